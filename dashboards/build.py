"""Writes the Grafana dashboard: ``python dashboards/build.py``. Standard library only."""  # noqa: INP001 -- a script

import json
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "grafana" / "gateway.json"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELF = 'job=~"$job",instance=~"$instance"'
F = SELF + ',livewatch_target_name=~"$target"'
T, N = "livewatch_target_name", "livewatch_session_attention"
ATTENTION_COLOURS = {"long_running": "blue", "stalled": "orange", "stuck": "red"}
Json = dict[str, Any]


def query(expr: str, legend: str, *, instant: bool = False) -> Json:
    """Return one query of a panel."""
    return {"expr": expr, "legendFormat": legend, "instant": instant, "range": not instant, "datasource": DATASOURCE}


def panel(
    kind: str, title: str, description: str, unit: str, *queries: Json, width: int = 12, height: int = 8, **rest: Any
) -> Json:
    """Return one panel; its place is given by `place`."""
    defaults: Json = {"unit": unit, "min": 0} | rest.get("defaults", {})
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {"defaults": defaults, "overrides": rest.get("overrides", [])},
        "options": rest.get("options", {}),
        "targets": [{"refId": chr(ord("A") + index)} | one for index, one in enumerate(queries)],
    }


def steps(*limits: tuple[float | None, str]) -> Json:
    """Return thresholds as Grafana writes them; the first limit is ``None``."""
    return {"thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in limits]}}


def coloured() -> list[Json]:
    """Return overrides that give each label its colour everywhere."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f".*{label}.*"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for label, colour in ATTENTION_COLOURS.items()
    ]


def quantile(q: float, metric: str, by: str, labels: str = F) -> str:
    """Return a quantile of an explicit histogram over the rate interval."""
    return f"histogram_quantile({q}, sum by (le, {by}) (rate({metric}_bucket{{{labels}}}[$__rate_interval])))"


def panels() -> list[Json]:
    """Return all panels, from what users feel to its cause to livewatch itself."""
    rate = "[$__rate_interval]"
    last: Json = {"reduceOptions": {"calcs": ["lastNotNull"]}}
    stacked: Json = {"custom": {"fillOpacity": 60, "stacking": {"mode": "normal"}}}
    bars: Json = {"custom": {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal"}}}
    active_s = (
        f'sum by ({T}) (rate(livewatch_eventloop_time_seconds_total{{{F},livewatch_eventloop_state="active"}}{rate}))'
    )
    all_s = f"sum by ({T}) (rate(livewatch_eventloop_time_seconds_total{{{F}}}{rate}))"
    return [
        panel(
            "stat",
            "Gateways up",
            "1 while livewatch can read the gateway's process, 0 while it cannot.",
            "short",
            query(f"min by ({T}) (livewatch_target_up{{{F}}})", f"{{{{{T}}}}}", instant=True),
            width=6,
            height=4,
            options=last,
            defaults=steps((None, "red"), (1, "green")),
        ),
        panel(
            "stat",
            "Sessions that need attention",
            "Sessions that are long-running (alive), stalled (silent too long) or stuck (provably dead) now.",
            "short",
            query(f'sum by ({N}) (livewatch_session_active{{{F},{N}!="none"}})', f"{{{{{N}}}}}", instant=True),
            width=12,
            height=4,
            options=last,
            defaults=steps((None, "green"), (1, "orange")),
        ),
        panel(
            "stat",
            "Actions left",
            "Repairs that livewatch may still make in its window; at 0 it only reports.",
            "short",
            query(f"min by ({T}) (livewatch_recovery_budget_remaining{{{F}}})", f"{{{{{T}}}}}", instant=True),
            width=6,
            height=4,
            options=last,
            defaults=steps((None, "red"), (1, "green")),
        ),
        panel(
            "state-timeline",
            "Session attention",
            "How many sessions had each label, over time.",
            "short",
            query(f'sum by ({T}, {N}) (livewatch_session_active{{{F},{N}!="none"}})', f"{{{{{T}}}}} {{{{{N}}}}}"),
            defaults=steps((None, "transparent"), (1, "orange")) | {"color": {"mode": "thresholds"}},
        ),
        panel(
            "timeseries",
            "Longest time without progress",
            "The oldest session of each label that is not idle, against the warn and abort limits in force. Seconds in "
            "which nothing could run are left out.",
            "s",
            query(f"max by ({T}, {N}) (livewatch_session_progress_age_seconds{{{F}}})", f"{{{{{T}}}}} {{{{{N}}}}}"),
            query(
                f"max by ({T}, livewatch_threshold_name) (livewatch_threshold_limit_seconds"
                f'{{{F},livewatch_threshold_name=~"warn|abort"}})',
                f"{{{{{T}}}}} limit {{{{livewatch_threshold_name}}}}",
            ),
            overrides=coloured(),
        ),
        panel(
            "timeseries",
            "Oldest waiting turn",
            "How long the oldest message has waited, by kind of lane: what the user feels.",
            "s",
            query(
                f"max by ({T}, livewatch_lane_kind) (livewatch_queue_oldest_age_seconds{{{F}}})",
                f"{{{{{T}}}}} {{{{livewatch_lane_kind}}}}",
            ),
        ),
        panel(
            "timeseries",
            "Event loop delay",
            "How late the gateway's loop ran its callbacks. While it stands still, how long it has.",
            "s",
            query(quantile(0.99, "livewatch_eventloop_delay_seconds", T), f"{{{{{T}}}}} p99"),
            query(quantile(0.5, "livewatch_eventloop_delay_seconds", T), f"{{{{{T}}}}} p50"),
        ),
        panel(
            "timeseries",
            "Event loop utilization",
            "Share of time in which the gateway's loop ran rather than waited.",
            "percentunit",
            query(f"{active_s} / {all_s}", f"{{{{{T}}}}}"),
            defaults={"max": 1},
        ),
        panel(
            "timeseries",
            "Degraded share of time",
            "Share of time the gateway spent beyond a threshold or away, by reason.",
            "percentunit",
            query(
                "sum by (livewatch_liveness_reason) "
                f"(rate(livewatch_liveness_degraded_time_seconds_total{{{F}}}{rate}))",
                "{{livewatch_liveness_reason}}",
            ),
            defaults=stacked,
        ),
        panel(
            "timeseries",
            "Repairs by outcome",
            "What livewatch did and what it saw afterwards.",
            "short",
            query(
                "sum by (livewatch_recovery_action, livewatch_recovery_outcome) "
                f"(increase(livewatch_recovery_duration_seconds_count{{{F}}}{rate}))",
                "{{livewatch_recovery_action}} {{livewatch_recovery_outcome}}",
            ),
            defaults=bars,
        ),
        panel(
            "timeseries",
            "Why livewatch did not act",
            "Actions that a gate held, counted when the hold began; the gate none stands for actions that were taken.",
            "short",
            query(
                "sum by (livewatch_recovery_action, livewatch_recovery_gate) "
                f"(increase(livewatch_recovery_decisions_total{{{F}}}{rate}))",
                "{{livewatch_recovery_action}} {{livewatch_recovery_gate}}",
            ),
            defaults=bars,
        ),
        panel(
            "timeseries",
            "Dropped heartbeats",
            "Heartbeats that the gateway dropped per second, by the reason it gave.",
            "cps",
            query(
                f"sum by ({T}, livewatch_heartbeat_reason) (rate(livewatch_heartbeat_dropped_total{{{F}}}{rate}))",
                f"{{{{{T}}}}} {{{{livewatch_heartbeat_reason}}}}",
            ),
        ),
        panel(
            "timeseries",
            "livewatch itself",
            "Age of its last look and its own lag: when these are large, the other panels are not to be trusted.",
            "s",
            query(
                f"time() - max by (instance) (livewatch_sampler_last_success_timestamp_seconds{{{SELF}}})",
                "{{instance}} last look",
            ),
            query(quantile(0.99, "livewatch_self_eventloop_delay_seconds", "instance", SELF), "{{instance}} lag p99"),
        ),
    ]


def place(every: list[Json]) -> list[Json]:
    """Number the panels and lay them out in rows of 24 columns."""
    x = y = tallest = 0
    for number, one in enumerate(every, 1):
        position = one["gridPos"]
        if x + position["w"] > 24:  # noqa: PLR2004 -- Grafana's grid
            x, y, tallest = 0, y + tallest, 0
        one["id"] = number
        one["gridPos"] = position | {"x": x, "y": y}
        x, tallest = x + position["w"], max(tallest, position["h"])
    return every


def variable(name: str, label: str, values: str) -> Json:
    """Return a variable that offers the values of a label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({values})", "refId": name},
        "definition": f"label_values({values})",
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> Json:
    """Return the whole dashboard in Grafana's classic form."""
    source = {"name": "datasource", "label": "Data Source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "livewatch-gateway",
        "title": "livewatch / Gateway",
        "description": "Is anybody waiting for an answer that will not come, why, and what was done about it?",
        "tags": ["livewatch"],
        "editable": False,
        "schemaVersion": 39,
        "version": 1,
        "graphTooltip": 1,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [
                source,
                variable("job", "job", "livewatch_target_up, job"),
                variable("instance", "instance", 'livewatch_target_up{job=~"$job"}, instance'),
                variable("target", "target", f"livewatch_target_up{{{SELF}}}, {T}"),
            ]
        },
        "annotations": {"list": []},
        "panels": place(panels()),
    }


def text() -> str:
    """Return the file's text."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    OUT.write_text(text(), encoding="utf-8")
