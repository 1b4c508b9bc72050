"""Every query of the dashboard and of the alerts parses and names only what the catalogue has."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.metric_spec import Instrument, MetricSpec

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
SERIES: dict[str, MetricSpec] = {name: spec for spec in CATALOGUE for name in spec.series_names}
EVERYWHERE = {"job", "instance"}
DASHBOARD: dict[str, Any] = json.loads((DASHBOARDS / "grafana" / "gateway.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DASHBOARDS / "rules" / "livewatch.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
QUERIES = [(panel["title"], one["expr"]) for panel in DASHBOARD["panels"] for one in panel["targets"]]
ALERTS = [(rule["alert"], rule["expr"]) for rule in RULES]


def parse(expr: str) -> Any:
    return promql.parse(expr.replace("$__rate_interval", "5m").replace("$__range", "1h"))


def nodes(expr: Any) -> list[Any]:
    found: list[Any] = []
    promql.walk(expr, found.append)
    return found


def selectors(expr: Any) -> dict[str, Any]:
    """Return every vector selector of an expression, by its text."""
    found = [node.vector_selector if isinstance(node, promql.MatrixSelector) else node for node in nodes(expr)]
    return {str(node): node for node in found if isinstance(node, promql.VectorSelector)}


def problems(text: str) -> Iterator[str]:
    """Say what in a query the catalogue does not have."""
    tree = parse(text)
    known = set(EVERYWHERE)
    for selector in selectors(tree).values():
        spec = SERIES.get(selector.name)
        if spec is None:
            yield f"metric {selector.name}"
            continue
        labels = {a.label: a for a in spec.attributes}
        known |= set(labels) | ({"le"} if selector.name.endswith("_bucket") else set())
        for matcher in selector.matchers.matchers:
            if matcher.name not in {*labels, *EVERYWHERE}:
                yield f"label {matcher.name} of {selector.name}"
            elif matcher.name in labels and (values := labels[matcher.name].values) is not None:
                yield from (f"value {value}" for value in matcher.value.split("|") if value not in values)
    for label in sorted(grouped(tree) - known):
        yield f"grouping by {label}"


def grouped(tree: Any) -> set[str]:
    """Return the labels after ``by`` and ``on``."""
    found: set[str] = set()
    for node in nodes(tree):
        modifier = getattr(node, "modifier", None)
        if isinstance(node, promql.AggregateExpr) and modifier is not None:
            found |= set(modifier.labels)
        elif isinstance(node, promql.BinaryExpr) and modifier is not None and modifier.matching is not None:
            found |= set(modifier.matching.labels)
    return found


@pytest.mark.parametrize(("where", "expr"), QUERIES + ALERTS)
def test_a_query_names_only_what_is_catalogued(where: str, expr: str) -> None:
    assert selectors(parse(expr)), where
    assert list(problems(expr)) == [], where


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("livewatch_target_upp", "metric livewatch_target_upp"),
        ("rate(livewatch_eventloop_delay_seconds[5m])", "metric livewatch_eventloop_delay_seconds"),
        ('livewatch_target_up{state="x"}', "label state of livewatch_target_up"),
        ('livewatch_session_active{livewatch_session_attention=~"stuck|dead"}', "value dead"),
        ("sum by (livewatch_lane_kind) (livewatch_target_up)", "grouping by livewatch_lane_kind"),
        ("livewatch_target_up > on (session) livewatch_target_up", "grouping by session"),
    ],
)
def test_a_name_that_is_not_catalogued_is_found(expr: str, problem: str) -> None:
    assert list(problems(expr)) == [problem]


@pytest.mark.parametrize(("where", "expr"), QUERIES + ALERTS)
def test_counters_are_read_as_rates_and_gauges_never_are(where: str, expr: str) -> None:
    rated = {str(n.vector_selector) for n in nodes(parse(expr)) if isinstance(n, promql.MatrixSelector)}
    for text, selector in selectors(parse(expr)).items():
        counts = SERIES[selector.name].instrument in (Instrument.COUNTER, Instrument.HISTOGRAM)
        assert (text in rated) == counts, f"{where}: {text}"


@pytest.mark.parametrize(("where", "expr"), QUERIES)
def test_a_panel_obeys_every_variable_that_its_metric_has(where: str, expr: str) -> None:
    for selector in selectors(parse(expr)).values():
        own = {a.label for a in SERIES[selector.name].attributes}
        wanted = {"job": "$job", "instance": "$instance"}
        if "livewatch_target_name" in own:
            wanted["livewatch_target_name"] = "$target"
        told = {m.name: m.value for m in selector.matchers.matchers}
        assert wanted.items() <= told.items(), where
    assert re.findall(r"\[(?!\$__rate_interval\])[^\]]*\]", expr) == []


def test_the_dashboard_is_what_its_builder_writes() -> None:
    built = runpy.run_path(str(DASHBOARDS / "build.py"))["text"]()
    assert (DASHBOARDS / "grafana" / "gateway.json").read_text(encoding="utf-8") == built, (
        "run: python dashboards/build.py"
    )


def test_the_dashboard_can_be_imported_anywhere() -> None:
    assert DASHBOARD["uid"]
    assert "id" not in DASHBOARD
    variables = {v["name"]: v for v in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance", "target"]
    assert {v["allValue"] for name, v in variables.items() if name != "datasource"} == {".+"}
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"


def test_no_two_panels_overlap_or_leave_the_grid() -> None:
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in DASHBOARD["panels"]):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_alerts_can_be_acted_on() -> None:
    assert [rule["alert"] for rule in RULES] == [
        "LivewatchTargetDown",
        "LivewatchSessionPastAbort",
        "LivewatchRecoveryFailing",
    ]
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"].endswith(".")
        assert "{{" not in rule["annotations"]["summary"]
        assert "{{ $labels.livewatch_target_name }}" in rule["annotations"]["description"]
        assert "livewatch_target_name" in grouped(parse(rule["expr"]))
        assert "for" in rule or "[" in rule["expr"]
