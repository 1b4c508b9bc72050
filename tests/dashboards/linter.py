"""The rules by which Grafana's dashboard linter judges, in our words. Exceptions stand in ``.lint``, with reasons."""

from collections.abc import Callable, Iterator
from typing import Any

import promql_parser as promql
import yaml

from tests.dashboards import contract

Dashboard = dict[str, Any]
Panel = dict[str, Any]
Finding = tuple[str, str, str]
"""Rule, panel (empty for the dashboard itself), and what is wrong."""
_UNITS = {"none", "short", "percentunit", "s", "bytes"}
"""Those of Grafana's that these dashboards use."""
_RATES = ("rate", "irate", "increase")


def findings(dashboard: Dashboard) -> list[Finding]:
    """Return everything that a rule has to say and that is not excepted."""
    found = [(name, "", text) for name, rule in _DASHBOARD_RULES.items() for text in rule(dashboard)]
    for panel in contract.panels(dashboard):
        found += [(name, panel["title"], text) for name, rule in _PANEL_RULES.items() for text in rule(panel)]
    return [one for one in found if not _excepted(dashboard, one)]


def exceptions() -> dict[str, list[dict[str, str]]]:
    """Return the exceptions by rule."""
    text = (contract.FOLDER / "grafana" / ".lint").read_text(encoding="utf-8")
    return {rule: body["entries"] for rule, body in yaml.safe_load(text)["exclusions"].items()}


def _excepted(dashboard: Dashboard, finding: Finding) -> bool:
    rule, panel, _ = finding
    return any(
        entry["dashboard"] == dashboard["title"] and entry["panel"] == panel for entry in exceptions().get(rule, [])
    )


def _datasource(dashboard: Dashboard) -> Iterator[str]:
    sources = [v for v in dashboard["templating"]["list"] if v["type"] == "datasource"]
    if [(v["name"], v["label"], v["query"]) for v in sources] != [("datasource", "Data source", "prometheus")]:
        yield "needs exactly one data source variable, named datasource and labelled Data source"


def _variable(name: str) -> Callable[[Dashboard], Iterator[str]]:
    def rule(dashboard: Dashboard) -> Iterator[str]:
        found = [v for v in dashboard["templating"]["list"] if v["name"] == name]
        if len(found) != 1:
            yield f"needs one variable {name}"
            return
        told = found[0]
        wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+"}
        yield from (f"{key} is {told.get(key)!r}" for key, value in wanted.items() if told.get(key) != value)
        if told["datasource"]["uid"] != "${datasource}":
            yield "does not ask the data source variable"

    return rule


def _variable_queries(dashboard: Dashboard) -> Iterator[str]:
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            selector, _, label = variable["definition"].removeprefix("label_values(").removesuffix(")").rpartition(",")
            contract.parse(selector)
            if not label.strip().isidentifier() or variable["query"]["query"] != variable["definition"]:
                yield f"{variable['name']} asks for no label"


def _reload(dashboard: Dashboard) -> Iterator[str]:
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"{variable['name']} is not read again when the time changes"


def _uneditable(dashboard: Dashboard) -> Iterator[str]:
    if dashboard["editable"] is not False:
        yield "can be edited in place, where the next deployment overwrites it"


def _panel_source(panel: Panel) -> Iterator[str]:
    if {panel["datasource"]["uid"], *(t["datasource"]["uid"] for t in panel["targets"])} != {"${datasource}"}:
        yield "names a data source"


def _words(panel: Panel) -> Iterator[str]:
    if not panel.get("title"):
        yield "has no title"
    if not panel.get("description", "").endswith("."):
        yield "has no description in sentences"


def _unit(panel: Panel) -> Iterator[str]:
    unit = panel["fieldConfig"]["defaults"].get("unit")
    if unit not in _UNITS:
        yield f"unit {unit!r}"


def _targets(panel: Panel) -> Iterator[str]:
    if not panel["targets"]:
        yield "asks nothing"


def _promql(panel: Panel) -> Iterator[str]:
    for target in panel["targets"]:
        try:
            contract.parse(target["expr"])
        except ValueError as error:
            yield str(error)


def _rate_interval(panel: Panel) -> Iterator[str]:
    for target in panel["targets"]:
        ranges = [part.partition("]")[0] for part in target["expr"].split("[")[1:]]
        yield from (f"range {one}" for one in ranges if one != "$__rate_interval")


def _matcher(name: str) -> Callable[[Panel], Iterator[str]]:
    def rule(panel: Panel) -> Iterator[str]:
        for target in panel["targets"]:
            for selector in contract.selectors(promql.parse(_parsable(target["expr"]))).values():
                told = [(m.op, m.value) for m in selector.matchers.matchers if m.name == name]
                if told != [(promql.MatchOp.Re, f"${name}")]:
                    yield f"{selector} does not obey ${name}"

    return rule


def _counters(panel: Panel) -> Iterator[str]:
    for target in panel["targets"]:
        tree = contract.parse(target["expr"])
        calls = [n for n in contract.nodes(tree) if isinstance(n, promql.Call) and n.func.name in _RATES]
        rated = {str(s) for call in calls for argument in call.args for s in contract.selectors(argument).values()}
        for text, selector in contract.selectors(tree).items():
            if (selector.name or "").endswith(("_total", "_count", "_sum", "_bucket")) and text not in rated:
                yield f"{text} is counted and not read as a rate"


def _parsable(expr: str) -> str:
    return expr.replace("$__rate_interval", "5m").replace("$__range", "1h")


_DASHBOARD_RULES: dict[str, Callable[[Dashboard], Iterator[str]]] = {
    "template-datasource-rule": _datasource,
    "template-job-rule": _variable("job"),
    "template-instance-rule": _variable("instance"),
    "template-label-promql-rule": _variable_queries,
    "template-on-time-change-reload-rule": _reload,
    "uneditable-dashboard": _uneditable,
}
_PANEL_RULES: dict[str, Callable[[Panel], Iterator[str]]] = {
    "panel-datasource-rule": _panel_source,
    "panel-title-description-rule": _words,
    "panel-units-rule": _unit,
    "panel-no-targets-rule": _targets,
    "target-promql-rule": _promql,
    "target-rate-interval-rule": _rate_interval,
    "target-job-rule": _matcher("job"),
    "target-instance-rule": _matcher("instance"),
    "target-counter-agg-rule": _counters,
}
RULES = (*_DASHBOARD_RULES, *_PANEL_RULES)
