"""`phi-accrual`: suspicion from observed gaps between signs of progress, threshold 8 (Hayashibara and others, 2004).

Modelled: the detector as in Akka and Cassandra: a window of 100 gaps per session, a normal distribution with a least
standard deviation, a first estimate of 30 s, a pause of 10 s that is always accepted; a session without a run is not
suspected, and every run starts a new gap. Suspicion is answered with an abort, through the API, each 5 s at most.
Simplified: gaps are measured at the look every 5 s, not at the event.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from livewatch.simulation.rulesets.watcher import Label, Order, View
from livewatch_classifiers.model import Session
from livewatch_classifiers.vocabulary import ActionKind, Attention, Reason

THRESHOLD = 8.0
_WINDOW = 100
_FIRST_GAP_S = 30.0
_LEAST_DEVIATION_S = 5.0
_ACCEPTED_PAUSE_S = 10.0


@dataclass(slots=True)
class _History:
    run_id: str | None = None
    last_s: float | None = None
    gaps_s: deque[float] = field(
        default_factory=lambda: deque((_FIRST_GAP_S * 0.75, _FIRST_GAP_S * 1.25), maxlen=_WINDOW)
    )


class PhiAccrual:
    """Rhythm is everything."""

    name = "phi-accrual"
    every_s = 5.0
    inside = False

    def __init__(self) -> None:
        self._histories: dict[str, _History] = {}
        self._labels: dict[str, Label] = {}

    def tick(self, view: View, late_s: float) -> list[Order]:
        """Ask for an abort of each run whose silence is that improbable."""
        del late_s
        if view.snapshot is None:
            return []
        orders: list[Order] = []
        for key, session in view.snapshot.sessions.items():
            suspected = self._suspicion(session, view.now_s) > THRESHOLD
            self._labels[key] = (
                (Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS)
                if suspected
                else (Attention.NONE, Reason.ACTIVE)
            )
            if suspected and session.run is not None:
                orders.append(Order(ActionKind.ABORT_RUN, key, session.run.id, f"phi above {THRESHOLD:g}"))
        return orders

    def labels(self) -> Mapping[str, Label]:
        """Return what is thought of each session."""
        return self._labels

    def _suspicion(self, session: Session, now_s: float) -> float:
        history = self._histories.setdefault(session.key, _History())
        run, progress_s = session.run, session.progress_s
        if run is None or progress_s is None:
            history.run_id, history.last_s = None, None
            return 0.0
        if run.id != history.run_id:
            history.run_id, history.last_s = run.id, progress_s
        elif history.last_s is not None and progress_s > history.last_s:
            history.gaps_s.append(progress_s - history.last_s)
            history.last_s = progress_s
        return phi(now_s - progress_s, list(history.gaps_s))


def phi(silence_s: float, gaps_s: list[float]) -> float:
    """Return how improbable a silence is after gaps like these, as -log10 of its probability."""
    mean_s = sum(gaps_s) / len(gaps_s)
    variance = sum((gap_s - mean_s) ** 2 for gap_s in gaps_s) / len(gaps_s)
    deviation_s = max(math.sqrt(variance), _LEAST_DEVIATION_S)
    y = (silence_s - mean_s - _ACCEPTED_PAUSE_S) / deviation_s
    exponent = -y * (1.5976 + 0.070566 * y * y)
    if exponent < -600:  # noqa: PLR2004 -- exp underflows to zero soon after
        return 300.0
    e = math.exp(min(exponent, 600.0))
    probability = e / (1.0 + e) if silence_s > mean_s + _ACCEPTED_PAUSE_S else 1.0 - 1.0 / (1.0 + e)
    return -math.log10(max(probability, 1e-300))
