"""The growth of a tick as a picture: both axes logarithmic, one line for each share that changed."""

import re
from math import log10
from pathlib import Path

from tests.bench.figures import Figure

_HEIGHT, _LEFT, _TOP, _STEP_X, _STEP_Y, _NAMES = 400, 90, 40, 150, 55, 190
_LINE = 13
"""Height of a name, so that those of close lines do not lie on each other."""
_COLOURS = ("#4c78a8", "#59a14f", "#edc948", "#f28e2b", "#b07aa1", "#e15759")


def write_plot(path: Path, figures: list[Figure], sizes: tuple[int, ...]) -> None:
    """Write the plot of the tick figures to ``path`` as SVG."""
    drawn = [f for f in figures if f.name.startswith(("tick", "full scan"))]
    lines = sorted({re.sub(r"\d[\d,]*\d", "N", f.name, count=1) for f in drawn})
    by_name = {f.name: f for f in figures}
    parts = [_axis(sizes)]
    all_points = {
        line: [(_x(size), _y(by_name[line.replace("N", f"{size:,}", 1)].median)) for size in sizes] for line in lines
    }
    colours, name_y = dict(zip(lines, _COLOURS, strict=False)), 0.0
    for line in sorted(lines, key=lambda line: all_points[line][-1][1]):
        points, colour = all_points[line], colours[line]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{_listed(points)}"/>')
        name_y = max(points[-1][1] + 4, name_y + _LINE)
        parts.append(f'<text x="{points[-1][0] + 6:.0f}" y="{name_y:.0f}" fill="{colour}">{line}</text>')
    body, width = "\n".join(parts), _LEFT + (len(sizes) - 1) * _STEP_X + _NAMES
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="{_LEFT}" y="20" font-size="14">One tick over N sessions (ms, median)</text>\n{body}\n</svg>\n',
        encoding="utf-8",
    )


def _axis(sizes: tuple[int, ...]) -> str:
    marks = [f'<text x="{_x(size) - 15:.0f}" y="{_HEIGHT - 15}">{size:,}</text>' for size in sizes]
    for power in range(-1, 5):
        y = _y(10.0**power)
        marks.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + (len(sizes) - 1) * _STEP_X}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>'
        )
        marks.append(f'<text x="{_LEFT - 55}" y="{y + 4:.0f}">{10.0**power:,g} ms</text>')
    return "\n".join(marks)


def _x(size: int) -> float:
    return _LEFT + (log10(size) - 3) * _STEP_X


def _y(median_ms: float) -> float:
    return _TOP + (4 - log10(max(median_ms, 0.05))) * _STEP_Y + 20


def _listed(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
