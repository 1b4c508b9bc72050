"""The last things that happened, for people who ask right now; the journal keeps the rest."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from livewatch_classifiers.decision import Completed
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.vocabulary import Attention

_KEPT = 100
_DROPPED = "heartbeats_dropped."


class History:
    """A `TickListener` that keeps the latest transitions and outcomes as JSON-ready documents."""

    def __init__(self) -> None:
        self.actions: deque[Mapping[str, Any]] = deque(maxlen=_KEPT)
        self.transitions: deque[Mapping[str, Any]] = deque(maxlen=_KEPT)
        self.gateway_since: float | None = None
        """Unix time of the tick in which the gateway got its present label, or in which this agent first saw it."""
        self._drops: deque[tuple[float, str, int]] = deque(maxlen=_KEPT)
        """When the gateway was seen to have dropped heartbeats, on its own clock, why, and how many."""
        self._counted: dict[str, int] | None = None

    def on_tick(self, report: TickReport) -> None:
        """Take note of one tick."""
        if self.gateway_since is None or report.vitals.state is not report.vitals_before:
            self.gateway_since = report.wall_s
        self._note_drops(report)
        self.actions.extend(_action(done, report) for done in report.completed)
        self.transitions.extend(_transition(change, report) for change in report.transitions if _worth_telling(change))

    def dropped_since(self, since_s: float) -> Mapping[str, int]:
        """Return how many heartbeats were dropped after ``since_s``, by reason; they are counted for no session."""
        found: Counter[str] = Counter()
        for at_s, reason, count in self._drops:
            if at_s >= since_s:
                found[reason] += count
        return found

    def _note_drops(self, report: TickReport) -> None:
        if report.snapshot is None:
            return
        counters = report.snapshot.counters
        now = {name.removeprefix(_DROPPED): count for name, count in counters.items() if name.startswith(_DROPPED)}
        before, self._counted = self._counted, now
        if before is None:
            return  # what was dropped before this agent looked has no time
        for reason, count in now.items():
            if count > before.get(reason, 0):
                self._drops.append((report.snapshot.vitals.now_s, reason, count - before.get(reason, 0)))


def _worth_telling(change: Transition) -> bool:
    return any(v is not None and v.attention is not Attention.NONE for v in (change.before, change.after))


def _action(done: Completed, report: TickReport) -> dict[str, Any]:
    return {
        "key": done.action.idempotency_key,
        "time": report.wall_s,
        "session": done.action.session,
        "action": done.action.kind.value,
        "reason": done.action.reason.value,
        "cause": done.action.cause,
        "reply": done.reply.status.value,
        "outcome": done.outcome.value,
        "detail": done.detail,
        "took_s": round(done.observed_s - done.decided_s, 3),
    }


def _transition(change: Transition, report: TickReport) -> dict[str, Any]:
    after = change.after
    return {
        "time": report.wall_s,
        "session": change.key,
        "before": change.before.attention.value if change.before is not None else None,
        "attention": after.attention.value if after is not None else None,
        "reason": after.reason.value if after is not None else None,
        "held_s": round(change.held_s, 3),
    }
