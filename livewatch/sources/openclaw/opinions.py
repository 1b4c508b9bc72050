"""The gateway's own verdicts, from its diagnostic ring. Pure: to be shown beside ours."""

from collections import deque
from typing import Any

from livewatch.sources.openclaw.shapes import tables
from livewatch_classifiers.model import Opinion
from livewatch_classifiers.vocabulary import Attention

_KEPT = 32
_KINDS = {
    "session.long_running": Attention.LONG_RUNNING,
    "session.stalled": Attention.STALLED,
    "session.stuck": Attention.STUCK,
}


class Opinions:
    """Reads the ring from where it stopped the last time; it names no sessions in this version."""

    def __init__(self) -> None:
        self.dropped = 0
        self._latest: deque[Opinion] = deque(maxlen=_KEPT)
        self._seq: int | None = None

    @property
    def latest(self) -> tuple[Opinion, ...]:
        """The latest verdicts, oldest first."""
        return tuple(self._latest)

    def on_ring(self, payload: dict[str, Any], at_s: float) -> None:
        """Take in one answer to `diagnostics.stability`; what was there before the first one is not news."""
        last = payload.get("lastSeq")
        if not isinstance(last, int):
            return
        before, self._seq = self._seq, last
        if before is None or last < before:  # first look, or another process
            return
        for event in tables(payload.get("events")):
            self._event(event, before, at_s)

    def _event(self, event: dict[str, Any], before: int, at_s: float) -> None:
        attention, seq = _KINDS.get(str(event.get("type"))), event.get("seq")
        if attention is None or not isinstance(seq, int) or seq <= before:
            return
        reason = event.get("reason") or event.get("classification") or "no reason given"
        self._latest.append(Opinion(seq, attention, str(reason)[:100], at_s))
