"""One incident as one HTML page that needs nothing else: no script, no font, no picture, no network."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files

from livewatch import __version__
from livewatch.cli.incident_axis import (
    Axis,
    Span,
    action_spans,
    axis,
    delays,
    hold_spans,
    session_spans,
    vitals_spans,
)
from livewatch.durations import format_duration
from livewatch.recovery.incident import Ending, Incident, Moment, MomentKind
from livewatch.recovery.journal.records import StoredFrame

_TICKS = 4
_NARROW_PERCENT = 12.0
_ENDINGS = {
    Ending.OPEN: "still open",
    Ending.RESOLVED: "resolved",
    Ending.GONE: "ended: the session is gone",
    Ending.LOST_SIGHT: "lost from sight: the agent ended",
}
_LEGEND = (
    ("well", "well"),
    ("slow", "slow, left alone"),
    ("stalled", "stalled"),
    ("stuck", "stuck, or gateway not running"),
    ("hold", "action held by a gate"),
    ("worked", "action that worked"),
    ("failed", "action without effect"),
)


def render(incident: Incident, frames: Sequence[StoredFrame]) -> str:
    """Return the page. ``frames`` are those of the incident's target around its time."""
    subject = "the gateway" if incident.session is None else incident.session
    style = files("livewatch.cli").joinpath("incident_page.css").read_text("utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{escape(subject)}: {escape(", ".join(incident.labels))}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kind">livewatch incident {escape(incident.id)} &middot; {escape(incident.target)}</p>
<h1>{escape(subject)}</h1>
<p class="summary">{escape(_summary(incident))}</p>
</header>
<main>
<section class="axis" aria-label="States, holds, actions and loop delay on one time axis">
{_drawing(incident, frames)}
</section>
<h2>What happened</h2>
<ol class="timeline">
{"".join(map(_line, incident.timeline))}</ol>
</main>
<footer>livewatch {escape(__version__)}. Offsets are on the monotonic clock, times of day in UTC.</footer>
</body>
</html>
"""


def _summary(incident: Incident) -> str:
    actions = "; ".join(incident.actions) or "no action taken"
    return (
        f"{', '.join(incident.labels)} for {format_duration(incident.duration_s)} from "
        f"{_clock(incident.began_wall_s, day=True)}, {_ENDINGS[incident.ending]}. {actions}."
    )


def _drawing(incident: Incident, frames: Sequence[StoredFrame]) -> str:
    late = delays(incident, frames)
    drawn = axis(incident, late)
    rows = [
        _strip("session", session_spans(incident, drawn), drawn),
        _strip("gateway", vitals_spans(incident, drawn), drawn),
        *(_strip(f"gate {gate}", spans, drawn) for gate, spans in hold_spans(incident, drawn).items()),
        _strip("actions", action_spans(incident, drawn), drawn),
        _chart(late, drawn),
        _scale(drawn),
    ]
    return "\n".join(row for row in rows if row) + _legend(rows)


def _strip(name: str, spans: Sequence[Span], drawn: Axis) -> str:
    if not spans:
        return ""
    parts: list[str] = []
    for span in spans:
        left, right = drawn.share(span.start_s), drawn.share(span.end_s)
        length = format_duration(max(0.0, span.end_s - span.start_s))
        title = escape(f"{span.label}, {length}", quote=True)
        place = f"left:{left:.2f}%;width:max(3px,{right - left:.2f}%)"
        label = "" if right - left < _NARROW_PERCENT else f"<span>{escape(span.label)}</span>"
        parts.append(f'<div class="span {span.tone}" style="{place}" title="{title}">{label}</div>')
    return f'<div class="row"><div class="name">{escape(name)}</div><div class="strip">{"".join(parts)}</div></div>'


def _chart(late: Sequence[tuple[float, float]], drawn: Axis) -> str:
    if not late:
        return ""
    top_s = max(0.001, *(value for _, value in late))
    points = " ".join(f"{drawn.share(at):.2f},{100.0 - 96.0 * value / top_s:.2f}" for at, value in late)
    first, last = drawn.share(late[0][0]), drawn.share(late[-1][0])
    dots = "".join(
        f'<i style="left:{drawn.share(at):.2f}%;bottom:{96.0 * value / top_s:.2f}%"'
        f' title="{escape(format_duration(value))} at {escape(_offset(at))}"></i>'
        for at, value in late
    )
    return (
        '<div class="row tall"><div class="name">loop delay</div><div class="chart">'
        f'<b>{escape(format_duration(top_s))}</b><svg viewBox="0 0 100 100" preserveAspectRatio="none"'
        f' role="img" aria-label="Loop delay, at most {escape(format_duration(top_s))}">'
        f'<polygon points="{first:.2f},100 {points} {last:.2f},100"/><polyline points="{points}"/></svg>'
        f"{dots}</div></div>"
    )


def _scale(drawn: Axis) -> str:
    width_s = drawn.end_s - drawn.start_s
    step_s = _round_step(width_s / _TICKS)
    first = int(drawn.start_s // step_s) + 1
    marks = [n * step_s for n in range(first, int(drawn.end_s // step_s) + 1)]
    ticks = "".join(f'<i style="left:{drawn.share(at):.2f}%">{escape(_offset(at))}</i>' for at in marks)
    return f'<div class="row"><div class="name"></div><div class="scale">{ticks}</div></div>'


def _round_step(seconds: float) -> float:
    """Return the next length that reads well on a clock."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
    return next((float(step) for step in steps if step >= seconds), 86400.0 * (int(seconds / 86400) + 1))


def _legend(rows: Sequence[str]) -> str:
    """Return the meaning of the colours that the drawing uses."""
    drawn = "".join(rows)
    used = [(tone, words) for tone, words in _LEGEND if f'class="span {tone}"' in drawn]
    items = "".join(f'<li><i class="{tone}"></i>{escape(words)}</li>' for tone, words in used)
    return f'\n<ul class="legend">{items}</ul>'


def _line(moment: Moment) -> str:
    evidence = ""
    if moment.kind is MomentKind.VITALS and moment.data.get("stack"):
        evidence = f"<pre>{escape(str(moment.data['stack']))}</pre>"
    return (
        f'<li class="{moment.kind.value}"><time title="{_clock(moment.wall_s, day=True)}">'
        f"{escape(_offset(moment.offset_s))}<small>{_clock(moment.wall_s)}</small></time><div>{escape(moment.text)}{evidence}</div></li>\n"
    )


def _offset(seconds: float) -> str:
    sign = "-" if seconds < 0 else "+"
    return "0" if abs(seconds) < 0.0005 else sign + format_duration(abs(seconds))  # noqa: PLR2004 -- rounds to 0 ms


def _clock(wall_s: float, *, day: bool = False) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC" if day else "%H:%M:%S")
