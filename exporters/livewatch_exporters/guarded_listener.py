"""A listener that cannot fail the tick."""

from livewatch_classifiers.report import TickListener, TickReport
from livewatch_exporters.episodes import Episodes


class GuardedListener:
    """Passes ticks on; whatever the listener raises is counted and told once per episode."""

    def __init__(self, listener: TickListener, episodes: Episodes, *, signal: str) -> None:
        self._listener = listener
        self._episodes = episodes
        self._signal = signal
        self._name = f"{type(listener).__name__.lower()} listener"

    def on_tick(self, report: TickReport) -> None:
        """Tell the listener."""
        try:
            self._listener.on_tick(report)
        except Exception as error:  # noqa: BLE001 -- telemetry never fails the tick, whatever is wrong with it
            self._episodes.failed(self._name, signal=self._signal, error="exception", detail=repr(error))
        else:
            self._episodes.worked(self._name)
