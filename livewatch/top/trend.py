"""The delay of the gateway's loop over the last looks, and how it is drawn. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_KEPT = 240
_BARS = "▁▂▃▄▅▆▇█"
_SCALE_MIN_S = 0.05
"""A loop that is never late by more than this draws a flat line."""
_STOPPED = ("unresponsive", "frozen")


@dataclass(frozen=True, slots=True)
class Trend:
    """Delays in seconds, the latest last; ``None`` where nothing could be read."""

    delays_s: tuple[float | None, ...] = ()

    def with_look(self, vitals: Mapping[str, Any] | None) -> "Trend":
        """Return the trend with one more look."""
        return Trend((*self.delays_s, delay_of(vitals))[-_KEPT:])

    @property
    def latest_s(self) -> float | None:
        """The delay at the latest look."""
        return self.delays_s[-1] if self.delays_s else None

    def worst_s(self, looks: int) -> float | None:
        """Return the largest delay of the last looks."""
        return max((delay for delay in self.delays_s[-looks:] if delay is not None), default=None)


def delay_of(vitals: Mapping[str, Any] | None) -> float | None:
    """Return how late the loop is: while it stands still, and nothing is measured, for how long it has."""
    if vitals is None:
        return None
    delay_s: float | None = vitals.get("loop_delay_max_s")
    beat_s: float | None = vitals.get("loop_heartbeat_age_s")
    if beat_s is not None and (delay_s is None or vitals["state"] in _STOPPED):
        return max(delay_s or 0.0, beat_s)
    return delay_s


def sparkline(delays_s: Sequence[float | None], width: int) -> str:
    """Return the last ``width`` delays as bars, right-aligned; a blank is a look that saw nothing."""
    shown = delays_s[-width:] if width > 0 else ()
    scale_s = max((delay for delay in shown if delay is not None), default=0.0)
    scale_s = max(scale_s, _SCALE_MIN_S)
    return "".join(" " if delay is None else _bar(delay / scale_s) for delay in shown).rjust(width)


def _bar(share: float) -> str:
    return _BARS[min(len(_BARS) - 1, int(max(0.0, share) * len(_BARS)))]
