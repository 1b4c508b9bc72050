"""The journal as the agent sees it: an intent log and a tick listener that never block and never raise."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import uuid4

from livewatch import __version__
from livewatch.clock import Clock, SystemClock
from livewatch.recovery.journal.notes import TickNotes
from livewatch.recovery.journal.reader import JournalUnreadableError, read_past
from livewatch.recovery.journal.reconcile import Reconciled
from livewatch.recovery.journal.records import (
    Asked,
    Event,
    EventKind,
    IntentNote,
    Life,
    Note,
    Past,
    Settlement,
    SettlementNote,
    StoredIntent,
)
from livewatch.recovery.journal.rules import Rules, RulesWatch
from livewatch.recovery.journal.writer import Parcel, Writer, WriterSettings
from livewatch_classifiers.decision import Act, Completed
from livewatch_classifiers.report import TickReport

if TYPE_CHECKING:
    from livewatch_classifiers.model import Snapshot

INTENT_WAIT_S = 1.0
_OPENING_WAIT_S = 5.0
PAST_S = 14 * 86_400.0
"""How far back repairs may still matter; longer than every window of the policy."""
LOG = logging.getLogger("livewatch.journal")


@dataclass(frozen=True, slots=True)
class JournalHealth:
    """How the journal itself is doing, for exporters."""

    degraded: bool
    """True while notes are kept in memory only."""
    problem: str
    episodes: int
    """How often it degraded so far."""
    dropped: int
    """Notes lost so far, because queue or memory were full."""
    written: int
    late_intents: int
    """Actions that went out before their intent was known to be on disk."""


class Journal:
    """One gateway's story in one SQLite file. Several journals (one per gateway) may share a file.

    Implements `IntentLog` and `TickListener`. Call `start` first and `close` last; in between nothing raises.
    """

    def __init__(
        self, path: Path, target: str, *, clock: Clock | None = None, settings: WriterSettings | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        life = Life(uuid4().hex, self._clock.wall_s(), self._clock.monotonic_s(), os.getpid(), __version__)
        self._path = path
        self._target = target
        self._token = life.token
        self._writer = Writer(path, target, life, settings or WriterSettings())
        self._notes = TickNotes()
        self._seen: Snapshot | None = None
        self._rules: RulesWatch | None = None
        self._late_intents = 0
        self._closed = False

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def degraded(self) -> bool:
        """True while notes are kept in memory only."""
        return self._writer.degraded

    @property
    def dropped(self) -> int:
        """Notes lost so far."""
        return self._writer.dropped

    @property
    def health(self) -> JournalHealth:
        """The journal's own counters."""
        writer = self._writer
        return JournalHealth(
            writer.degraded, writer.problem, writer.episodes, writer.dropped, writer.written, self._late_intents
        )

    def follow(self, rules: Callable[[], Rules]) -> None:
        """Note with which rules the agent begins, and every change of them; ``rules`` returns those in force."""
        self._rules = RulesWatch(rules)

    def start(self) -> None:
        """Open the file in the background; return at once."""
        self._writer.start()

    async def open_intents(self, deadline_s: float = _OPENING_WAIT_S) -> list[StoredIntent]:
        """Return what an earlier agent meant to do on this gateway and never saw the end of, oldest first.

        Waits up to ``deadline_s`` seconds for the file to open; empty when it cannot. Only the agent that may act
        (holds the lease) should settle them: for an observer they may be another live agent's.
        """
        await asyncio.to_thread(self._writer.ready.wait, deadline_s)
        return list(self._writer.found_open) if self._writer.ready.is_set() else []

    async def past(self, deadline_s: float = _OPENING_WAIT_S) -> Past:
        """Return what earlier agents did on this gateway and that still matters; empty when it cannot be read.

        Waits up to ``deadline_s`` seconds for the file to open.
        """
        since_s = self._clock.wall_s() - PAST_S
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.to_thread(self._writer.ready.wait, deadline_s)
                return await asyncio.to_thread(
                    read_past, self._path, self._target, token=self._token, since_wall_s=since_s
                )
        except (TimeoutError, JournalUnreadableError, OSError) as error:
            LOG.warning("journal: what was done before cannot be read (%s)", error)
            return Past()

    def settle(self, reconciled: Iterable[Reconciled]) -> None:
        """Write down what a first look at the gateway said about open intents."""
        wall_s, now_s = self._clock.wall_s(), self._clock.monotonic_s()
        notes = [
            SettlementNote(
                wall_s, now_s, r.intent.action.idempotency_key, r.how, r.outcome, r.detail, intent_id=r.intent.id
            )
            for r in reconciled
        ]
        self._put(notes)

    async def intent(self, act: Act) -> None:
        """Return once the intent is committed, or after a bounded wait when the disk does not keep up."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bool] = loop.create_future()

        def tell(committed: bool) -> None:  # noqa: FBT001 -- the one fact of this callback
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, told, committed)

        note = IntentNote(
            self._clock.wall_s(),
            self._clock.monotonic_s(),
            act.action,
            act.verdict,
            self._seen.identity if self._seen is not None else None,
        )
        if self._closed or not self._writer.put(Parcel((*self._changed_rules(), note), tell)):
            self._late_intents += 1
            return
        done, _ = await asyncio.wait({told}, timeout=INTENT_WAIT_S)
        if not done or not told.result():
            self._late_intents += 1

    def completed(self, done: Completed) -> None:
        """Note an outcome without waiting."""
        note = SettlementNote(
            wall_s=self._clock.wall_s(),
            monotonic_s=done.observed_s,
            idempotency_key=done.action.idempotency_key,
            how=Settlement.SEEN,
            outcome=done.outcome,
            detail=done.detail,
            reply=done.reply,
        )
        self._put([note])

    def on_tick(self, report: TickReport) -> None:
        """Note what is new in this tick without waiting."""
        self._seen = report.snapshot or self._seen
        self._put([*self._changed_rules(), *self._notes.take(report)])

    def _changed_rules(self) -> list[Note]:
        """Return a change of the rules; it goes with, and before, whatever is noted next: that was decided by them."""
        changed = self._rules.take() if self._rules is not None else None
        return [] if changed is None else [self._request(changed)]

    def asked(self, asked: Asked) -> None:
        """Note what a person asked for, without waiting; the audit has it as soon as the file has."""
        self._put([self._request(asked)])

    def _request(self, asked: Asked) -> Event:
        facts: Mapping[str, object] = MappingProxyType(
            {
                "who": asked.by.name,
                "uid": asked.by.uid,
                "what": asked.what,
                "verb": asked.verb,
                "session": asked.session,
                "run": asked.run,
                "outcome": asked.outcome or None,
                "key": asked.key or None,
                "settles": asked.settles,
            }
        )
        return Event(self._clock.wall_s(), self._clock.monotonic_s(), EventKind.OPERATOR, data=facts)

    def close(self, deadline_s: float = 2.0) -> bool:
        """Write what is queued and end within ``deadline_s`` seconds; return whether that worked. Safe to repeat."""
        self._closed = True
        return self._writer.stop(deadline_s)

    def _put(self, notes: Sequence[Note]) -> None:
        if notes and not self._closed:
            self._writer.put(Parcel(tuple(notes)))


def _resolve(told: asyncio.Future[bool], committed: bool) -> None:  # noqa: FBT001 -- the one fact of this callback
    if not told.done():
        told.set_result(committed)
