"""A whole round of a real agent over a snapshot that came from fuzzed bytes."""

import asyncio
import json
import sqlite3

from livewatch.agent import Agent
from livewatch.clock import SystemClock
from livewatch.local_api import views
from livewatch.local_api.history import History
from livewatch.recordings.lines import LineReader, LineWriter, Remembered
from livewatch.recovery.journal.notes import TickNotes
from livewatch.recovery.journal.rows import statement
from livewatch.recovery.journal.schema import MIGRATIONS, migrate
from livewatch.recovery.rounds import Moment
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, Mode
from tests.fuzz.target import Finding


class Patience(SystemClock):
    """Stands still."""

    now_s = 1000.0

    def monotonic_s(self) -> float:
        """Return the moment at which it stands."""
        return self.now_s


class _Told:
    name = "gw"
    capabilities = frozenset(ActionKind)

    def __init__(self, snapshots: list[Snapshot]) -> None:
        self._snapshots = snapshots

    async def sample(self) -> Snapshot:
        return self._snapshots.pop(0)

    async def act(self, action: Action) -> Reply:
        return Reply(ReplyStatus.REFUSED, action.session)

    async def close(self) -> None:
        return


class _Intents:
    async def intent(self, act: Act) -> None:
        """Write it nowhere."""

    def completed(self, done: Completed) -> None:
        """Forget it."""


class _Kept:
    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def on_moment(self, moment: Moment) -> None:
        self.moments.append(moment)


def round_of(*snapshots: Snapshot) -> str:
    """Judge, decide, act, tell, journal and record; return how the gateway was judged.

    Raises:
        Finding: when something of it is lost.
    """
    return asyncio.run(_round(list(snapshots)))


async def _round(snapshots: list[Snapshot]) -> str:
    history, kept, reports = History(), _Kept(), list[TickReport]()
    policy = Policy(mode=Mode.ABORT, confirm_certain=1, confirm_silence=1, startup_grace_s=0.0, healthy_for_s=0.0)
    agent = Agent(
        _Told(snapshots), clock=Patience(), intents=_Intents(), policy=policy, listeners=[history], witnesses=[kept]
    )
    for _ in list(snapshots):
        reports.append(await agent.tick())
    await agent.close()
    json.dumps(views.status(agent, history), ensure_ascii=False).encode()
    for key in list(agent.report.verdicts if agent.report is not None else ())[:3]:
        json.dumps(views.explain(agent, key), ensure_ascii=False).encode()
    _journalled(reports)
    _recorded(kept.moments)
    return reports[-1].vitals.state.value


def _journalled(reports: list[TickReport]) -> None:
    notes = TickNotes()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection, MIGRATIONS)
        connection.execute(
            "INSERT INTO lives (token, target, wall_s, monotonic_s, pid, version) VALUES ('t','gw',1,1,1,'1')"
        )
        for report in reports:
            for note in notes.take(report):
                sql, values = statement(note, "gw")
                connection.execute(sql, {**values, "life": 1})
    finally:
        connection.close()


def _recorded(moments: list[Moment]) -> None:
    writer, reader, before = LineWriter(), LineReader(), Remembered()
    for moment in moments:
        entry = reader.entry(writer.line(moment, before))
        told, read = moment.round.snapshot, entry.round.snapshot
        if told is None or read is None:
            raise Finding("a recording does not hold what was seen")
        for part in ("vitals", "sessions", "lanes", "identity", "counters"):
            seen, kept = getattr(told, part), getattr(read, part)
            if seen != kept and "nan" not in repr(seen) and "inf" not in repr(seen):
                raise Finding(f"a recording holds other {part}: {str(kept)[:500]} for {str(seen)[:500]}")
