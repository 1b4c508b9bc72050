"""A whole incident, written by a real journal: a tool call falls silent while the loop blocks, and is aborted."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from livewatch.recovery.journal import Journal
from livewatch_classifiers import BlockedStack, Snapshot, Vitals, VitalsVerdict
from livewatch_classifiers.decision import Hold
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, Gate, Outcome, Reason, StallCause, VitalsReason, VitalsState
from tests.recovery.journal.facts import (
    IDENTITY,
    NOW_S,
    WALL_S,
    a_session,
    a_tick,
    an_act,
    completed,
    falls_sick,
    gets_well,
)

KEY = "agent:main:telegram:<b>group</b>"
STACK = "server.py:88 handle\nmarkdown.py:412 render_table"


class _StoryClock:
    def __init__(self) -> None:
        self.after_s = 0.0

    def monotonic_s(self) -> float:
        return NOW_S + self.after_s

    def boottime_s(self) -> float:
        return NOW_S + self.after_s

    def wall_s(self) -> float:
        return WALL_S + self.after_s

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def _tick(after_s: float, delay_s: float, **facts: object) -> TickReport:
    blocked = delay_s > 1
    stack = BlockedStack(NOW_S + after_s - delay_s, 1, STACK) if blocked else None
    vitals = Vitals(NOW_S + after_s, loop_delay_max_s=delay_s, stack=stack)
    report = a_tick(after_s, snapshot=Snapshot(vitals, MappingProxyType({KEY: a_session(KEY)}), identity=IDENTITY))
    if blocked:
        verdict = VitalsVerdict(VitalsState.UNRESPONSIVE, (VitalsReason.EVENT_LOOP_DELAY,), StallCause.OWN_CODE)
        report = replace(report, vitals=verdict)
    return replace(report, **facts)  # type: ignore[arg-type]  # test shorthand


_CONFIRM = Hold(KEY, ActionKind.ABORT_RUN, Gate.CONFIRMED, Reason.BLOCKED_TOOL_CALL, "1 of 3 samples")
_SETTLE = replace(_CONFIRM, gate=Gate.RESPONSIVE, detail="the loop was blocked 1 s ago")
_ABORT = an_act(KEY, "k1", ActionKind.ABORT_RUN)
_CLEAR = an_act(KEY, "k2", ActionKind.FORCE_CLEAR)
_ACTS = {22: _ABORT, 40: _CLEAR}
_DONE = {
    38: replace(completed(_ABORT, Outcome.INEFFECTIVE), observed_s=NOW_S + 38, detail="nothing changed"),
    44: replace(completed(_CLEAR, Outcome.RECOVERED), observed_s=NOW_S + 44),
}
_TRANSITIONS = {0: falls_sick(KEY), 45: gets_well(KEY)}


def _second(second: int) -> TickReport:
    holds = (_CONFIRM,) if 0 <= second < 3 else (_SETTLE,) if 3 <= second < 22 else ()
    acts = (_ACTS[second],) if second in _ACTS else ()
    return _tick(
        second,
        second - 5.5 if 7 <= second < 17 else 0.02 + (second % 5) * 0.01,
        transitions=(_TRANSITIONS[second],) if second in _TRANSITIONS else (),
        decisions=(*holds, *acts),
        completed=(_DONE[second],) if second in _DONE else (),
    )


async def tell(path: Path) -> None:
    """Write the story; the session's incident comes first in the journal, the loop's second."""
    clock = _StoryClock()
    journal = Journal(path, "gw", clock=clock)
    journal.start()
    before: VitalsState | None = None
    for second in range(-8, 60):
        clock.after_s = second
        if second in _DONE:
            journal.completed(_DONE[second])
        report = replace(_second(second), vitals_before=before)
        before = report.vitals.state
        journal.on_tick(report)
        if second in _ACTS:
            clock.after_s = second + 0.01
            await journal.intent(_ACTS[second])
    if not await asyncio.to_thread(journal.close, 10.0):
        raise AssertionError("the journal did not close in time")
