"""Draws the dashboards from a real run: ``python -m tests.telemetry.preview [FOLDER]`` writes SVG files to docs/img.

The layout, queries, units and colours are those of the dashboards' JSON; the drawing is ours and says so.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.dashboards import contract
from tests.telemetry import charts
from tests.telemetry.charts import Box, Series, Span
from tests.telemetry.figures import colour, legend
from tests.telemetry.stage import Stage, staged

WIDTH, ROW, HEAD, GAP = 1320, 30, 62, 6
SHOWN = {"fleet": (36, ".+"), "gateway": (37, "demo"), "recovery": (20, "demo")}
"""How many rows of each dashboard are drawn, and which gateway is chosen."""
RATE, RANGE = "6s", "2m"
NOTE = "Drawn by livewatch's own tests from a real Prometheus during `livewatch demo`. Not a screenshot of Grafana."


def main(folder: Path) -> None:
    """Play once and write one picture per dashboard."""
    with staged(provoked=False) as stage:
        now_s = _worst_moment(stage)
        for name, (rows, gateway) in SHOWN.items():
            picture = _picture(stage, _chosen(contract.DASHBOARDS[name], gateway), rows, now_s)
            (folder / f"dashboard-{name}.svg").write_text(picture, encoding="utf-8")
            sys.stdout.write(f"{folder / f'dashboard-{name}.svg'}: {len(picture) // 1024} KiB\n")


def _chosen(dashboard: dict[str, Any], gateway: str) -> dict[str, Any]:
    """Return a dashboard as it is when one gateway is chosen."""
    chosen: dict[str, Any] = json.loads(json.dumps(dashboard).replace("$target", gateway))
    return chosen


def _worst_moment(stage: Stage) -> float:
    """Return the moment at which most was wrong and something had been done: what a person would have looked at."""
    sick = stage.over_time(
        'sum(livewatch_session_active{livewatch_session_attention="stalled"}) '
        '+ 3 * sum(livewatch_session_active{livewatch_session_attention="stuck"}) '
        "+ 2 * (sum(livewatch_recovery_completed_total) > bool 0)"
    )
    return max(sick[0]["values"], key=lambda point: (float(point[1]), point[0]))[0]


def _picture(stage: Stage, dashboard: dict[str, Any], rows: int, now_s: float) -> str:
    marks = tuple(
        (moment_s, colour(annotation["iconColor"]))
        for annotation in dashboard["annotations"]["list"]
        for one in stage.over_time(contract.filled_in(annotation["expr"], "2s", RANGE))
        for moment_s, _ in one["values"]
    )
    span = Span(stage.from_s, stage.to_s, marks)
    drawn = [_panel(stage, panel, span, now_s) for panel in dashboard["panels"] if panel["gridPos"]["y"] < rows]
    height = HEAD + rows * ROW + 8
    head = charts.text(14, 28, dashboard["title"], size=18, bold=True)
    head += charts.text(14, 48, dashboard["description"], size=12, fill=charts.FAINT)
    head += charts.text(WIDTH - 14, 28, "PREVIEW", size=13, fill="#f2cc0c", anchor="end", bold=True)
    head += charts.text(WIDTH - 14, 48, NOTE, size=11, fill=charts.FAINT, anchor="end")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="Inter, Helvetica, Arial, sans-serif" role="img" '
        f'aria-label="{dashboard["title"]}: {dashboard["description"]}">'
        f'<rect width="100%" height="100%" fill="#111217"/>{head}{"".join(drawn)}</svg>\n'
    )


def _panel(stage: Stage, panel: dict[str, Any], span: Span, now_s: float) -> str:
    place, unit_w = panel["gridPos"], (WIDTH - 16) / 24
    outer = Box(8 + place["x"] * unit_w, HEAD + place["y"] * ROW, place["w"] * unit_w - GAP, place["h"] * ROW - GAP)
    if panel["type"] == "row":
        return charts.text(outer.x + 4, outer.y + 18, f"▾ {panel['title']}", size=14, bold=True)
    inner = Box(outer.x + 8, outer.y + charts.TITLE_H, outer.w - 16, outer.h - charts.TITLE_H - 6)
    title = charts.text(outer.x + 9, outer.y + 18, panel["title"], size=12, bold=True)
    return charts.rect(outer, "#181b1f", 3) + title + _content(stage, panel, inner, span, now_s)


def _content(stage: Stage, panel: dict[str, Any], box: Box, span: Span, now_s: float) -> str:
    match panel["type"]:
        case "stat":
            return charts.stat(panel, [one for t in panel["targets"] for one in _now(stage, t, now_s)], box)
        case "table":
            renamed = panel["transformations"][1]["options"]["renameByName"]
            order = panel["transformations"][1]["options"]["indexByName"]
            labels = sorted((label for label in renamed if label in order), key=order.__getitem__)
            keys = {label: renamed[label] for label in labels if not label.startswith("Value #")}
            columns = [(renamed[f"Value #{t['refId']}"], _now(stage, t, now_s)) for t in panel["targets"]]
            return charts.table(panel, columns, keys, box)
        case "state-timeline":
            return charts.bands(panel, _through(stage, panel), box, span)
        case "heatmap":
            return charts.heat(_through(stage, panel), box, span)
        case _:
            return charts.lines(panel, _through(stage, panel), box, span)


def _now(stage: Stage, target: dict[str, Any], now_s: float) -> list[Series]:
    found = stage.ask("query", query=contract.filled_in(target["expr"], RATE, RANGE), time=now_s)["result"]
    return [
        Series(legend(target.get("legendFormat", ""), one["metric"]), [(now_s, float(one["value"][1]))], one["metric"])
        for one in found
    ]


def _through(stage: Stage, panel: dict[str, Any]) -> list[Series]:
    rate = "2s" if panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars" else RATE
    return [
        Series(
            legend(target.get("legendFormat", ""), one["metric"]),
            [(moment_s, float(value)) for moment_s, value in one["values"] if value != "NaN"],
            one["metric"],
        )
        for target in panel["targets"]
        for one in stage.over_time(contract.filled_in(target["expr"], rate, RANGE))
        if any(float(value) for _, value in one["values"] if value != "NaN") or panel["type"] != "timeseries"
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[2] / "docs" / "img")
