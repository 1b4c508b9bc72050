"""How long sessions needed attention, and what ended it."""

from collections.abc import Iterator
from dataclasses import dataclass

from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.vocabulary import Attention, Outcome

_SEVERITY = {attention: rank for rank, attention in enumerate(Attention)}


@dataclass(frozen=True, slots=True)
class EndedSpan:
    """A time in which a session needed attention, now over."""

    key: str
    worst: Attention
    duration_s: float
    resolution: str
    """One of `livewatch_exporters.attributes.RESOLUTIONS`."""


@dataclass(slots=True)
class _Open:
    since_s: float
    worst: Attention
    repaired: bool = False


class AttentionSpans:
    """Follows every session from its first label other than ``none`` to its return."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def follow(self, report: TickReport) -> list[EndedSpan]:
        """Take note of one tick and return the spans that it ended."""
        for done in report.completed:
            span = self._open.get(done.action.session)
            if span is not None and done.outcome is Outcome.RECOVERED:
                span.repaired = True
        return [ended for change in report.transitions for ended in self._changed(change, report)]

    def _changed(self, change: Transition, report: TickReport) -> Iterator[EndedSpan]:
        attention = change.after.attention if change.after is not None else Attention.NONE
        if attention is not Attention.NONE:
            span = self._open.setdefault(change.key, _Open(report.now_s, attention))
            span.worst = max(span.worst, attention, key=_SEVERITY.__getitem__)
            return
        ended = self._open.pop(change.key, None)
        if ended is not None:
            resolution = _resolution(ended, report, gone=change.after is None)
            yield EndedSpan(change.key, ended.worst, report.now_s - ended.since_s, resolution)


def _resolution(ended: _Open, report: TickReport, *, gone: bool) -> str:
    if ended.repaired:
        return "recovered"
    if report.restarted:
        return "target_restart"
    return "gone" if gone else "self"
