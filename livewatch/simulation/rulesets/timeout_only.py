"""`timeout-only`: from outside, abort whatever run is older than N; N is 10 min, a common agent timeout.

Modelled: one look a minute through the gateway's API; no look while the gateway does not answer. A run whose abort did
not end it is asked again at every look. Simplified: N does not depend on the kind of session.
"""

from collections.abc import Mapping

from livewatch.simulation.rulesets.watcher import Label, Order, View
from livewatch_classifiers.vocabulary import ActionKind, Attention, Reason

LIMIT_S = 600.0


class TimeoutOnly:
    """Age is everything."""

    name = "timeout-only"
    every_s = 60.0
    inside = False

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._labels: dict[str, Label] = {}

    def tick(self, view: View, late_s: float) -> list[Order]:
        """Ask for an abort of each run that is older than the limit."""
        del late_s
        if view.snapshot is None:
            return []
        orders: list[Order] = []
        for key, session in view.snapshot.sessions.items():
            run = session.run
            old = run is not None and run.started_s is not None and view.now_s - run.started_s > self._limit_s
            self._labels[key] = (
                (Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS) if old else (Attention.NONE, Reason.ACTIVE)
            )
            if old and run is not None:
                orders.append(Order(ActionKind.ABORT_RUN, key, run.id, f"older than {self._limit_s:g} s"))
        return orders

    def labels(self) -> Mapping[str, Label]:
        """Return what is thought of each session."""
        return self._labels
