"""What dashboards and rules may say: every metric, label and value is in the catalogue."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.metric_spec import MetricSpec

FOLDER = Path(__file__).parents[2] / "dashboards"
SERIES: dict[str, MetricSpec] = {name: spec for spec in CATALOGUE for name in spec.series_names}
EVERYWHERE = {"job", "instance"}
EVERY_METRIC = "livewatch_.+"
OVERFLOW = "otel_metric_overflow"
"""What the SDK puts on a stream that has too many attribute sets."""
SCRAPE = "up"
"""Prometheus' own series of each scrape: 0 where it failed."""
RATE_S, RANGE_S = "5m", "1h"

DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "grafana").glob("*.json"))
}
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "rules" / "livewatch.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that show something; a row does not."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def panel_queries() -> list[tuple[str, str]]:
    """Return place and expression of every query of every panel."""
    return [
        (f"{name}: {panel['title']}", target["expr"])
        for name, dashboard in DASHBOARDS.items()
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def annotation_queries() -> list[tuple[str, str]]:
    """Return place and expression of every annotation."""
    return [
        (f"{name}: {annotation['name']}", annotation["expr"])
        for name, dashboard in DASHBOARDS.items()
        for annotation in dashboard["annotations"]["list"]
    ]


def alerts() -> list[tuple[str, str]]:
    """Return name and expression of every alert."""
    return [(rule["alert"], rule["expr"]) for rule in RULES]


def variables() -> list[tuple[str, str]]:
    """Return place and selector of every variable that offers a label's values."""
    return [
        (f"{name}: {variable['name']}", variable["definition"].removeprefix("label_values(").rpartition(",")[0])
        for name, dashboard in DASHBOARDS.items()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]


def filled_in(expr: str, rate: str = RATE_S, over: str = RANGE_S) -> str:
    """Return an expression as Grafana sends it when every variable is All."""
    text = expr.replace("$__rate_interval", rate).replace("$__range", over)
    return re.sub(r'"\$(job|instance|target)"', '".+"', text)


def parse(expr: str) -> Any:
    """Return the syntax tree of an expression."""
    return promql.parse(filled_in(expr))


def nodes(tree: Any) -> list[Any]:
    """Return every node of a syntax tree."""
    found: list[Any] = []
    promql.walk(tree, found.append)
    return found


def selectors(tree: Any) -> dict[str, Any]:
    """Return every vector selector of an expression, by its text."""
    found = [node.vector_selector if isinstance(node, promql.MatrixSelector) else node for node in nodes(tree)]
    return {str(node): node for node in found if isinstance(node, promql.VectorSelector)}


def problems(text: str) -> Iterator[str]:
    """Say what in a query the catalogue does not have."""
    tree = parse(text)
    known = set(EVERYWHERE)
    for selector in selectors(tree).values():
        if _all_metrics(selector) or selector.name == SCRAPE:
            continue
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
                told = [value for value in matcher.value.split("|") if value]
                yield from (f"value {value}" for value in told if value not in values)
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


def _all_metrics(selector: Any) -> bool:
    """Return whether a selector asks for every metric of ours by name, and for nothing unknown."""
    told = {m.name: m.value for m in selector.matchers.matchers}
    return told.get("__name__") == EVERY_METRIC and set(told) <= {"__name__", OVERFLOW, *EVERYWHERE}
