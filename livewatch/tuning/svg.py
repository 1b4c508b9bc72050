"""The plot: for each kind of activity, how many silences were longer than so long. Both axes are logarithmic."""

from collections.abc import Sequence
from html import escape
from math import ceil, log10

from livewatch.tuning.recommendation import CANDIDATES_S, Advice
from livewatch.tuning.report import neat, title

_WIDTH, _HEIGHT, _LEFT, _TOP, _PLOT_W, _PLOT_H = 860, 480, 70, 50, 560, 370
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b")
_TICKS_S = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0)
_TAIL = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""The longest silences are drawn one by one: the tail is what limits are about."""


def svg(advice: Sequence[Advice], heading: str) -> str:
    """Return the plot of what is known of each kind; single tools and models are left to the table."""
    shown = [item for item in advice if not item.sample.name and item.sample.alive][: len(_COLOURS)]
    top = max((len(item.sample.alive) for item in shown), default=1)
    decades = max(1, ceil(log10(max(2, top))))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 24, heading, size=15),
        *_axes(decades),
    ]
    for number, (item, colour) in enumerate(zip(shown, _COLOURS, strict=False)):
        parts += [_curve(item, colour, decades), *_limits(item, colour), *_legend(item, colour, number)]
    return "\n".join([*parts, "</svg>", ""])


def _axes(decades: int) -> list[str]:
    parts: list[str] = []
    for power in range(decades + 1):
        y = _y(10**power, decades)
        parts += [_line((_LEFT, y), (_LEFT + _PLOT_W, y), "#ddd"), _text(_LEFT - 8, y + 4, f"{10**power:,}", end=True)]
    for seconds in _TICKS_S:
        x = _x(seconds)
        parts += [
            _line((x, _TOP), (x, _TOP + _PLOT_H), "#ddd"),
            _text(x - 8, _TOP + _PLOT_H + 18, neat(seconds)),
        ]
    parts.append(_text(_LEFT, _TOP + _PLOT_H + 40, "silences longer than this; dashes: recommended warn and abort"))
    return parts


def _curve(item: Advice, colour: str, decades: int) -> str:
    alive = item.sample.alive
    points = [(s, item.sample.longer_than(s)) for s in CANDIDATES_S]
    points += [(alive[-count], count) for count in _TAIL if count <= len(alive)]
    told = [(_x(s), _y(count, decades)) for s, count in sorted(points, key=lambda p: (p[0], -p[1])) if count]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in told)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _limits(item: Advice, colour: str) -> list[str]:
    return [
        _line((_x(limit_s), _TOP), (_x(limit_s), _TOP + _PLOT_H), colour, dashes=dashes)
        for limit_s, dashes in ((item.warn_s, "2 4"), (item.abort_s, "8 4"))
        if limit_s is not None
    ]


def _legend(item: Advice, colour: str, number: int) -> list[str]:
    y = _TOP + 20 + 44 * number
    advice = "no recommendation"
    if item.warn_s is not None and item.abort_s is not None:
        advice = f"warn {neat(item.warn_s)}, abort {neat(item.abort_s)}"
    x = _LEFT + _PLOT_W + 20
    return [
        _line((x, y - 4), (x + 20, y - 4), colour),
        _text(x + 28, y, f"{title(item.sample)} ({len(item.sample.alive):,})"),
        _text(x + 28, y + 16, advice),
    ]


def _x(seconds: float) -> float:
    low, high = log10(CANDIDATES_S[0]), log10(CANDIDATES_S[-1])
    share = (log10(min(max(seconds, CANDIDATES_S[0]), CANDIDATES_S[-1])) - low) / (high - low)
    return _LEFT + _PLOT_W * share


def _y(count: int, decades: int) -> float:
    return _TOP + _PLOT_H * (1 - log10(max(1, count)) / decades)


def _line(begin: tuple[float, float], end: tuple[float, float], colour: str, *, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    (x1, y1), (x2, y2) = begin, end
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def _text(x: float, y: float, text: str, *, size: int = 12, end: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{anchor}>{escape(text)}</text>'
