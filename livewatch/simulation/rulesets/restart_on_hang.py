"""`restart-on-hang`: from outside, restart the gateway when a health check fails twice in a row.

Modelled on the third-party watchdogs of `openclaw-ops` and its kind: a check every 60 s that needs an answer within
5 s; a gateway that is still starting does not answer (OpenClaw 74281). Knows no sessions. Simplified: the check's
5 s are one more look after 5 s; a cap of 3 restarts per 15 min, as the better ones have.
"""

from collections.abc import Mapping

from livewatch.simulation.rulesets.watcher import Label, Order, View
from livewatch_classifiers.vocabulary import ActionKind

FAILURES = 2
_CAP, _CAP_WINDOW_S = 3, 900.0


class RestartOnHang:
    """Health is everything."""

    name = "restart-on-hang"
    every_s = 60.0
    inside = False

    def __init__(self) -> None:
        self._failures = 0
        self._restarts_s: list[float] = []

    def tick(self, view: View, late_s: float) -> list[Order]:
        """Ask for a restart after the second failed check."""
        del late_s
        self._failures = 0 if view.serving else self._failures + 1
        self._restarts_s = [at_s for at_s in self._restarts_s if view.now_s - at_s < _CAP_WINDOW_S]
        if self._failures < FAILURES or len(self._restarts_s) >= _CAP:
            return []
        self._failures = 0
        self._restarts_s.append(view.now_s)
        return [Order(ActionKind.RESTART_TARGET, cause="health check failed twice")]

    def labels(self) -> Mapping[str, Label]:
        """Return nothing: it does not know sessions."""
        return {}
