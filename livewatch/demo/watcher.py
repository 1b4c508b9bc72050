"""The watcher: reads the agent's reports and keeps score of right and wrong."""

from collections import deque
from collections.abc import Sequence

from livewatch.demo.fault import Fault
from livewatch.demo.fault_record import FaultRecord
from livewatch_classifiers.decision import Act, Completed
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import SICK, Outcome, VitalsState

_ACTIONS_KEPT = 6


class Watcher:
    """A `TickListener` that compares what the agent says and does with what was really injected."""

    def __init__(self, records: Sequence[FaultRecord]) -> None:
        self.report: TickReport | None = None
        self.ticks = 0
        self.false_actions: list[str] = []
        """Actions on sessions that were well, or of a kind that the fault does not call for."""
        self.false_blames: set[str] = set()
        """Sessions that were called stalled or stuck while they were well, with the reason."""
        self.actions: deque[tuple[float, Completed]] = deque(maxlen=_ACTIONS_KEPT)
        """The latest actions whose outcome was seen, and when."""
        self.records = records
        self._by_session = {record.session: record for record in records if record.session is not None}

    def on_tick(self, report: TickReport) -> None:
        """Take note of one tick."""
        self.report = report
        self.ticks += 1
        self._vitals(report)
        for key, verdict in report.verdicts.items():
            record = self._by_session.get(key)
            if record is not None and record.sick_at(report.now_s):
                record.judged(verdict, report.now_s)
            elif verdict.attention in SICK:
                self.false_blames.add(f"{key}: {verdict.attention.value}/{verdict.reason.value}")
        for decision in report.decisions:
            if isinstance(decision, Act):
                self._decided(decision, report.now_s)
        for done in report.completed:
            self._completed(done, report.now_s)

    def _vitals(self, report: TickReport) -> None:
        for record in self.records:
            if record.fault is not Fault.BLOCKED_LOOP or not record.sick_at(report.now_s):
                continue
            if report.vitals.state is VitalsState.UNRESPONSIVE:
                stack = report.snapshot.vitals.stack if report.snapshot is not None else None
                fresh = stack is not None and record.injected_s is not None and stack.captured_s >= record.injected_s
                record.unresponsive(report.now_s, stack.text if stack is not None and fresh else "")

    def _decided(self, act: Act, now_s: float) -> None:
        record = self._by_session.get(act.action.session)
        asked_for = record is not None and record.sick_at(now_s) and act.action.kind in record.expected.actions
        if not asked_for:
            self.false_actions.append(f"{act.action.kind.value} on {act.action.session}: {act.action.cause}")

    def _completed(self, done: Completed, now_s: float) -> None:
        self.actions.append((now_s, done))
        record = self._by_session.get(done.action.session)
        if record is not None and (record.action == "none" or done.outcome is not Outcome.SUPERSEDED):
            record.acted(done)
