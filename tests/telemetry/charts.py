"""Panels as SVG: rough likenesses of Grafana's, drawn from what Prometheus answered."""

from dataclasses import dataclass
from html import escape
from typing import Any

from tests.telemetry import figures as f

TEXT, FAINT, GRID = "#ccccdc", "#8e8ea0", "#2c3235"
AXIS_W, LEGEND_H, TITLE_H = 52, 18, 26
BUCKETS_SHOWN = 2
LEGEND_COLUMNS, LEGEND_ROWS = 3, 2
MARK = 'stroke-width="1" stroke-dasharray="3 3" opacity=".7"'


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a panel: name, times and values."""

    name: str
    points: list[tuple[float, float]]
    labels: dict[str, str]

    @property
    def last(self) -> float:
        return self.points[-1][1] if self.points else float("nan")


@dataclass(frozen=True, slots=True)
class Box:
    """Where to draw, in pixels."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is shown, and the moments that are marked."""

    from_s: float
    to_s: float
    marks: tuple[tuple[float, str], ...] = ()

    def x(self, box: Box, moment_s: float) -> float:
        return box.x + box.w * (moment_s - self.from_s) / (self.to_s - self.from_s)


def text(
    x: float, y: float, words: str, *, size: float = 11, fill: str = TEXT, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{fill}"{weight}>{escape(words)}</text>'


def rect(box: Box, fill: str, radius: float = 0) -> str:
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{max(0.0, box.w):.1f}" height="{max(0.0, box.h):.1f}"'
    return f'<rect {place} rx="{radius}" fill="{fill}"/>'


def stat(panel: dict[str, Any], series: list[Series], box: Box) -> str:
    drawn = []
    width = box.w / max(1, len(series))
    for place, one in enumerate(series or [Series("", [(0.0, 0.0)], {})]):
        told = f.properties(panel, one.name)
        mapped = f.word(told, one.last)
        label, ground = mapped or (
            f.shown(one.last, told.get("unit", "short"), told.get("decimals")),
            f.step_colour(told["thresholds"]["steps"], one.last),
        )
        cell = Box(box.x + place * width + 1, box.y, width - 2, box.h)
        drawn.append(rect(cell, ground, 3))
        size = min(26.0, 1.7 * cell.w / max(3, len(label)))
        drawn.append(
            text(
                cell.x + cell.w / 2,
                cell.y + cell.h / 2 + (2 if len(series) > 1 else 9),
                label,
                size=size,
                fill="#fff",
                anchor="middle",
                bold=True,
            )
        )
        if len(series) > 1:
            drawn.append(
                text(
                    cell.x + cell.w / 2,
                    cell.y + cell.h - 9,
                    one.name.replace("_", " "),
                    size=11,
                    fill="#ffffffd0",
                    anchor="middle",
                )
            )
    return "".join(drawn)


def lines(panel: dict[str, Any], series: list[Series], box: Box, span: Span) -> str:
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    bars = custom.get("drawStyle") == "bars"
    unit = panel["fieldConfig"]["defaults"]["unit"]
    rows = -(-len(series) // LEGEND_COLUMNS) if series else 1
    plot = Box(box.x + AXIS_W, box.y + 4, box.w - AXIS_W - 6, box.h - 22 - LEGEND_H * min(LEGEND_ROWS, rows))
    layers = _stacked(series) if stacked else [(one, {t: (0.0, v) for t, v in one.points}) for one in series]
    highest = max([high for _, layer in layers for _, high in layer.values()] + [1e-9])
    top = 1.0 if panel["fieldConfig"]["defaults"].get("max") == 1 else f.ceiling(highest)
    drawn = [_grid(plot, top, unit, span)]
    for moment_s, shade in span.marks:
        x = span.x(plot, moment_s)
        drawn.append(f'<path d="M{x:.1f} {plot.y:.1f}V{plot.y + plot.h:.1f}" stroke="{shade}" {MARK}/>')
    for place, (one, layer) in enumerate(layers):
        told = f.properties(panel, one.name)
        shade = f.colour(told["color"]["fixedColor"]) if "color" in told else f.PALETTE[place % len(f.PALETTE)]
        dashed = "custom.lineStyle" in told
        if bars:
            drawn += [
                _bar(plot, span, moment_s, (_y(plot, low, top), _y(plot, high, top)), shade)
                for moment_s, (low, high) in layer.items()
                if high > low
            ]
        else:
            drawn.append(_line(plot, span, layer, top, shade, filled=stacked, dashed=dashed))
        drawn.append(_key(box, place, rows, one.name, shade))
    return "".join(drawn)


def bands(panel: dict[str, Any], series: list[Series], box: Box, span: Span) -> str:
    drawn, label_w = [], 70.0
    height = (box.h - 24) / max(1, len(series))
    for place, one in enumerate(series):
        y = box.y + place * height + 4
        drawn.append(text(box.x + label_w - 6, y + height / 2, one.name, anchor="end"))
        row = Box(box.x + label_w, y, box.w - label_w - 6, height - 10)
        for (start_s, value), (end_s, _) in _runs(one.points):
            mapped = f.word(f.properties(panel, one.name), value) or ("", f.COLOURS["green"])
            x, right = span.x(row, start_s), span.x(row, end_s)
            drawn.append(rect(Box(x, row.y, right - x, row.h), mapped[1]))
            if right - x > 7 * len(mapped[0]):
                drawn.append(text(x + 5, row.y + row.h / 2 + 4, mapped[0], fill="#fff", size=11))
    drawn.append(_times(Box(box.x + label_w, box.y, box.w - label_w - 6, box.h - 18), span))
    return "".join(drawn)


def heat(series: list[Series], box: Box, span: Span) -> str:
    ordered = sorted(series, key=lambda one: float(one.labels["le"].replace("+Inf", "inf")))
    plot = Box(box.x + AXIS_W, box.y + 4, box.w - AXIS_W - 6, box.h - 26)
    cells: list[tuple[int, float, float]] = []
    before: dict[float, float] = {}
    for row, one in enumerate(ordered):
        now = dict(one.points)
        cells += [(row, moment_s, value - before.get(moment_s, 0.0)) for moment_s, value in now.items()]
        before = now
    top = max([value for _, _, value in cells] + [1e-9])
    height, width = plot.h / max(1, len(ordered)), plot.w / max(1, len({m for _, m, _ in cells}))
    drawn = []
    for row, moment_s, value in cells:
        if value > 1e-6:
            share = 0.25 + 0.75 * (value / top) ** 0.5
            place = Box(span.x(plot, moment_s) - width, plot.y + plot.h - (row + 1) * height, width + 0.5, height - 1)
            drawn.append(f'<g opacity="{share:.2f}">{rect(place, "#ff9830")}</g>')
    for row, one in enumerate(ordered):
        if row % BUCKETS_SHOWN == 0:
            drawn.append(
                text(
                    plot.x - 6,
                    plot.y + plot.h - row * height - 2,
                    _bound(one.labels["le"]),
                    size=10,
                    fill=FAINT,
                    anchor="end",
                )
            )
    return "".join([*drawn, _times(Box(plot.x, plot.y, plot.w, plot.h), span)])


def table(panel: dict[str, Any], columns: list[tuple[str, list[Series]]], keys: dict[str, str], box: Box) -> str:
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for name, series in columns:
        for one in series:
            rows.setdefault(tuple(one.labels.get(label, "") for label in keys), {})[name] = one.last
    order = [*keys.values(), *(name for name, _ in columns)]
    width = box.w / len(order)
    drawn = [
        text(box.x + place * width + 8, box.y + 16, name, fill="#6e9fff", bold=True) for place, name in enumerate(order)
    ]
    for line, (key, values) in enumerate(
        sorted(rows.items(), key=lambda row: -max(row[1].get("Worst session", 0), row[1].get("Decisions", 0)))[:9]
    ):
        y = box.y + 24 + line * 28
        drawn.append(rect(Box(box.x, y, box.w, 1), GRID))
        for place, name in enumerate(order):
            if place < len(keys):
                drawn.append(text(box.x + place * width + 8, y + 19, key[place], bold=place == 0))
                continue
            told = f.properties(panel, name)
            value = values.get(name, float("nan"))
            label, ground = f.word(told, value) or (
                f.shown(value, told["unit"], told.get("decimals")),
                f.step_colour(told["thresholds"]["steps"], value),
            )
            drawn.append(rect(Box(box.x + place * width + 2, y + 3, width - 4, 24), ground, 2))
            drawn.append(text(box.x + place * width + 8, y + 19, label))
    return "".join(drawn)


def _stacked(series: list[Series]) -> list[tuple[Series, dict[float, tuple[float, float]]]]:
    base: dict[float, float] = {}
    layers = []
    for one in series:
        layer = {t: (base.get(t, 0.0), base.get(t, 0.0) + v) for t, v in one.points}
        base |= {t: high for t, (_, high) in layer.items()}
        layers.append((one, layer))
    return layers


def _grid(plot: Box, top: float, unit: str, span: Span) -> str:
    drawn = []
    for part in range(5):
        y = plot.y + plot.h * (1 - part / 4)
        drawn.append(rect(Box(plot.x, y, plot.w, 1), GRID))
        drawn.append(text(plot.x - 6, y + 4, f.shown(top * part / 4, unit), size=10, fill=FAINT, anchor="end"))
    return "".join(drawn) + _times(plot, span)


def _times(plot: Box, span: Span) -> str:
    length_s = span.to_s - span.from_s
    every_s = next(step for step in (5, 10, 15, 30, 60, 300) if length_s / step <= 8)
    moments = range(0, int(length_s) + 1, every_s)
    return "".join(
        text(
            span.x(plot, span.from_s + m),
            plot.y + plot.h + 14,
            f"{m // 60}:{m % 60:02d}",
            size=10,
            fill=FAINT,
            anchor="middle",
        )
        for m in moments
    )


def _line(
    plot: Box,
    span: Span,
    layer: dict[float, tuple[float, float]],
    top: float,
    shade: str,
    *,
    filled: bool,
    dashed: bool,
) -> str:
    step_s = 2.5
    parts: list[list[tuple[float, float, float]]] = []
    previous_s = float("-inf")
    for moment_s, (low, high) in sorted(layer.items()):
        if moment_s - previous_s > step_s:
            parts.append([])
        parts[-1].append((span.x(plot, moment_s), _y(plot, low, top), _y(plot, high, top)))
        previous_s = moment_s
    drawn = []
    for part in parts:
        upper = " ".join(f"{x:.1f},{high:.1f}" for x, _, high in part)
        lower = " ".join(f"{x:.1f},{low:.1f}" for x, low, _ in reversed(part))
        opacity = 0.55 if filled else 0.0 if dashed else 0.08
        drawn.append(f'<polygon points="{upper} {lower}" fill="{shade}" opacity="{opacity}"/>' if opacity else "")
        if filled:
            continue
        dash = ' stroke-dasharray="7 5"' if dashed else ""
        drawn.append(f'<polyline points="{upper}" fill="none" stroke="{shade}" stroke-width="1.4"{dash}/>')
    return "".join(drawn)


def _bar(plot: Box, span: Span, moment_s: float, ends: tuple[float, float], shade: str) -> str:
    width = max(2.0, plot.w / (span.to_s - span.from_s) - 1.5)
    return rect(Box(span.x(plot, moment_s) - width / 2, ends[1], width, ends[0] - ends[1]), shade)


def _y(plot: Box, value: float, top: float) -> float:
    return plot.y + plot.h * (1 - min(1.0, max(0.0, value / top)))


def _key(box: Box, place: int, rows: int, name: str, shade: str) -> str:
    column, row = place % LEGEND_COLUMNS, place // LEGEND_COLUMNS
    if row >= LEGEND_ROWS:
        return ""
    width = (box.w - AXIS_W) / LEGEND_COLUMNS
    x, y = box.x + AXIS_W + column * width, box.y + box.h - LEGEND_H * (min(rows, LEGEND_ROWS) - row) + 12
    letters = int((width - 20) / 5.6)
    shortened = name if len(name) <= letters else name[: letters - 1] + "…"
    return rect(Box(x, y - 7, 10, 4), shade, 1) + text(x + 14, y - 2, shortened, size=10, fill=FAINT)


def _runs(points: list[tuple[float, float]]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the stretches in which a value did not change."""
    runs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for place, (moment_s, value) in enumerate(points[:-1]):
        following = points[place + 1]
        if following[0] - moment_s > 2.5:
            continue
        if runs and runs[-1][0][1] == value and runs[-1][1][0] == moment_s:
            runs[-1] = (runs[-1][0], following)
        else:
            runs.append(((moment_s, value), following))
    return runs


def _bound(le: str) -> str:
    return "more" if le == "+Inf" else f.shown(float(le), "s")
