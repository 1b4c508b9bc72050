"""Holds and repairs from the screen: ask the person, ask the agent, tell what came of it."""

import asyncio
from collections.abc import Callable
from typing import Any

from textual.app import App

from livewatch.cli.printable import printable
from livewatch.cli.recover import lines as planned
from livewatch.durations import format_duration
from livewatch.top.dialogs import HoldAnswer, HoldDialog, RecoverDialog
from livewatch.top.row import Row
from livewatch.top.tones import Tone
from livewatch.top.vantage import Hands, LostError, RefusedError

_LOOK_EVERY_S = 0.25
_LOOKS = 240
"""For a minute; the agent itself looks for 15 s, then says what it saw."""
_WELL = ("recovered", "superseded")
LOOKING_ONLY = "only looking: without an agent nothing can be held or repaired"


class Asking:
    """Does what `livewatch hold`, `resume` and `recover` do, for one row."""

    def __init__(self, app: App[Any], hands: Hands | None, note: Callable[[str, Tone], None]) -> None:
        """Tell ``note`` what came of it."""
        self._app = app
        self._hands = hands
        self._note = note

    async def hold(self, row: Row) -> None:
        """Ask for how long, and have the session left alone."""
        hands = self._hands
        if hands is None:
            self._note(LOOKING_ONLY, Tone.STALLED)
            return
        answer = await self._app.push_screen_wait(HoldDialog(row.name))
        try:
            if answer is HoldAnswer.RESUME:
                ended = await hands.resume(row.key)
                self._note(f"{row.name}: no longer paused" if ended else _other_hold(row), Tone.STRONG)
            elif answer is not None:
                duration = None if answer is HoldAnswer.UNTIL_RESUMED else answer.value
                problem = await hands.hold(row.key, duration)
                until = "until resumed" if duration is None else f"for {duration}"
                self._note(f"{row.name}: paused {until}{f'; {problem}' if problem else ''}", Tone.STRONG)
        except (LostError, RefusedError) as error:
            self._note(str(error), Tone.BAD)

    async def recover(self, row: Row) -> None:
        """Show what would be done, and send it when the person says so."""
        hands = self._hands
        if hands is None:
            self._note(LOOKING_ONLY, Tone.STALLED)
            return
        try:
            plan = dict(await hands.plan(row.key))
        except RefusedError as error:
            nothing = RecoverDialog(
                "There is nothing to send", [row.name, f"  {printable(str(error))}"], can_send=False
            )
            await self._app.push_screen_wait(nothing)
            return
        except LostError as error:
            self._note(str(error), Tone.BAD)
            return
        held = any(gate["holds"] for gate in plan["gates"])
        title = "A gate holds this repair; it cannot be sent" if held else "Send this repair?"
        said = [printable(line) for line in planned(plan)]
        if await self._app.push_screen_wait(RecoverDialog(title, said, can_send=not held)):
            try:
                await self._send(hands, row, plan["action"])
            except (LostError, RefusedError) as error:
                self._note(f"{row.name}: {error}", Tone.BAD)

    async def _send(self, hands: Hands, row: Row, action: str) -> None:
        key = await hands.recover(row.key, action)
        self._note(f"{row.name}: {action} was sent, its effect is awaited", Tone.STRONG)
        for _ in range(_LOOKS):
            done = await hands.outcome(key)
            if done is not None:
                said = f"{done['outcome']} after {format_duration(done['took_s'])}"
                detail = f": {done['detail']}" if done["detail"] else ""
                self._note(f"{row.name}: {action} {said}{detail}", Tone.WELL if done["outcome"] in _WELL else Tone.BAD)
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        self._note(f"{row.name}: {action} was sent; no effect seen within a minute", Tone.BAD)


def _other_hold(row: Row) -> str:
    if row.held:
        return f"{row.name}: is held together with others; `livewatch resume` ends every hold"
    return f"{row.name}: was not held"
