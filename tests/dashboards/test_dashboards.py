"""The dashboards: fresh, importable, linted, and saying only what the catalogue has."""

import copy
import json
from typing import Any

import promql_parser as promql
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from build import texts
from livewatch_exporters.metric_spec import Instrument
from tests.dashboards import contract, linter
from tests.dashboards.contract import DASHBOARDS, FOLDER, SERIES

QUERIES = contract.panel_queries()
EVERYTHING = [*QUERIES, *contract.annotation_queries(), *contract.variables()]
EACH = pytest.mark.parametrize("name", list(DASHBOARDS))


def test_every_dashboard_is_what_its_builder_writes() -> None:
    built = texts()
    assert set(built) == {path.name for path in (FOLDER / "grafana").glob("*.json")}
    for name, text in built.items():
        written = (FOLDER / "grafana" / name).read_text(encoding="utf-8")
        assert written == text, "run: python dashboards/build.py"


@pytest.mark.parametrize(("where", "expr"), EVERYTHING)
def test_a_query_names_only_what_is_catalogued(where: str, expr: str) -> None:
    assert contract.selectors(contract.parse(expr)), where
    assert list(contract.problems(expr)) == [], where


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("livewatch_target_upp", "metric livewatch_target_upp"),
        ("rate(livewatch_eventloop_delay_seconds[5m])", "metric livewatch_eventloop_delay_seconds"),
        ('livewatch_target_up{state="x"}', "label state of livewatch_target_up"),
        ('livewatch_session_active{livewatch_session_attention=~"stuck|dead"}', "value dead"),
        ('count({__name__=~"livewatch_.+",run="7"})', "metric None"),
        ("sum by (livewatch_lane_kind) (livewatch_target_up)", "grouping by livewatch_lane_kind"),
        ("livewatch_target_up > on (session) livewatch_target_up", "grouping by session"),
    ],
)
def test_a_name_that_is_not_catalogued_is_found(expr: str, problem: str) -> None:
    assert list(contract.problems(expr)) == [problem]


@pytest.mark.parametrize(("where", "expr"), QUERIES)
def test_counters_are_read_as_rates_and_gauges_never_are(where: str, expr: str) -> None:
    tree = contract.parse(expr)
    rated = {str(n.vector_selector) for n in contract.nodes(tree) if isinstance(n, promql.MatrixSelector)}
    for text, selector in contract.selectors(tree).items():
        if selector.name is not None:
            counts = SERIES[selector.name].instrument in (Instrument.COUNTER, Instrument.HISTOGRAM)
            assert (text in rated) == counts, f"{where}: {text}"


@pytest.mark.parametrize(("where", "expr"), [*QUERIES, *contract.annotation_queries()])
def test_a_query_obeys_the_choice_of_gateway_where_its_metric_has_one(where: str, expr: str) -> None:
    tree = promql.parse(expr.replace("$__rate_interval", "5m").replace("$__range", "1h"))
    for selector in contract.selectors(tree).values():
        if selector.name is not None and "livewatch_target_name" in {a.label for a in SERIES[selector.name].attributes}:
            told = {m.name: m.value for m in selector.matchers.matchers}
            assert told["livewatch_target_name"] == "$target", where


@EACH
def test_a_dashboard_passes_the_linter(name: str) -> None:
    assert linter.findings(DASHBOARDS[name]) == []


def test_every_exception_to_the_linter_is_used_and_has_a_reason() -> None:
    titles = {d["title"]: {p["title"] for p in contract.panels(d)} for d in DASHBOARDS.values()}
    for rule, entries in linter.exceptions().items():
        assert rule in linter.RULES
        for entry in entries:
            assert entry["panel"] in titles[entry["dashboard"]]
            assert entry["reason"].endswith(".")
            judged = next(d for d in DASHBOARDS.values() if d["title"] == entry["dashboard"])
            panel = next(p for p in contract.panels(judged) if p["title"] == entry["panel"])
            assert list(linter._PANEL_RULES[rule](panel)), "the exception is not needed"


BREAKS: list[tuple[str, Any]] = [
    ("template-datasource-rule", lambda d: d["templating"]["list"][0].update(label="Prometheus")),
    ("template-job-rule", lambda d: d["templating"]["list"][1].update(multi=False)),
    ("template-instance-rule", lambda d: d["templating"]["list"].pop(2)),
    ("template-label-promql-rule", lambda d: d["templating"]["list"][1].update(definition="label_values(up, a b)")),
    ("template-on-time-change-reload-rule", lambda d: d["templating"]["list"][1].update(refresh=1)),
    ("uneditable-dashboard", lambda d: d.update(editable=True)),
    ("panel-datasource-rule", lambda d: d["panels"][0]["datasource"].update(uid="abc")),
    ("panel-title-description-rule", lambda d: d["panels"][0].update(description="")),
    ("panel-units-rule", lambda d: d["panels"][0]["fieldConfig"]["defaults"].pop("unit")),
    ("panel-no-targets-rule", lambda d: d["panels"][0]["targets"].clear()),
    ("target-promql-rule", lambda d: d["panels"][0]["targets"][0].update(expr="sum((")),
    ("target-rate-interval-rule", lambda d: d["panels"][0]["targets"][0].update(expr="rate(x_total[5m])")),
    ("target-job-rule", lambda d: d["panels"][0]["targets"][0].update(expr='x{instance=~"$instance"}')),
    ("target-instance-rule", lambda d: d["panels"][0]["targets"][0].update(expr='x{job=~"$job"}')),
    ("target-counter-agg-rule", lambda d: d["panels"][0]["targets"][0].update(expr="sum(x_total)")),
]


@pytest.mark.parametrize(("rule", "break_it"), BREAKS, ids=[rule for rule, _ in BREAKS])
def test_the_linter_sees_what_is_broken(rule: str, break_it: Any) -> None:
    broken = copy.deepcopy(DASHBOARDS["agent"])
    break_it(broken)
    if rule == "target-promql-rule":  # what cannot be read cannot be judged by the other rules
        assert list(linter._PANEL_RULES[rule](broken["panels"][0]))
    else:
        assert rule in {found for found, _, _ in linter.findings(broken)}


def test_every_rule_of_the_linter_was_seen_to_find_something() -> None:
    assert {rule for rule, _ in BREAKS} == set(linter.RULES)


@EACH
def test_a_dashboard_survives_a_round_trip_through_the_sdk(name: str) -> None:
    document = DASHBOARDS[name]
    again = json.loads(json.dumps(Dashboard.from_json(document), cls=JSONEncoder))
    for panel, before in zip(again["panels"], document["panels"], strict=True):
        assert (panel["title"], panel["type"], panel["gridPos"]) == (before["title"], before["type"], before["gridPos"])
        assert [t["expr"] for t in panel.get("targets", [])] == [t["expr"] for t in before.get("targets", [])]
        assert panel.get("fieldConfig") == before.get("fieldConfig")
        assert panel.get("options") == before.get("options")
    assert {v["name"] for v in again["templating"]["list"]} == {v["name"] for v in document["templating"]["list"]}


@EACH
def test_a_dashboard_can_be_imported_anywhere(name: str) -> None:
    document = DASHBOARDS[name]
    assert document["uid"] == f"livewatch-{name}"
    assert "id" not in document
    assert [v["name"] for v in document["templating"]["list"]] == ["datasource", "job", "instance", "target"]
    assert [a["name"] for a in document["annotations"]["list"]] == [
        "Gateway restarts",
        "Recovery actions",
        "Configuration reloads",
    ]
    (link,) = document["links"]  # one to runbooks only where `dashboards export` is given their URL
    assert (link["type"], link["includeVars"], link["keepTime"]) == ("dashboards", True, True)


@EACH
def test_no_two_panels_overlap_or_leave_the_grid(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    every = DASHBOARDS[name]["panels"]
    for place in (panel["gridPos"] for panel in every):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in every}) == len(every)


@pytest.mark.parametrize("name", ["fleet", "gateway", "recovery"])
def test_the_picture_of_a_dashboard_says_what_it_is(name: str) -> None:
    picture = (FOLDER.parent / "docs" / "img" / f"dashboard-{name}.svg").read_text(encoding="utf-8")
    assert "PREVIEW" in picture
    assert "Not a screenshot of Grafana" in picture
    assert DASHBOARDS[name]["title"] in picture
    assert len(picture) < 120_000


@EACH
def test_the_first_screen_is_full_and_answers_at_a_glance(name: str) -> None:
    first = [p["gridPos"] for p in DASHBOARDS[name]["panels"] if p["type"] == "stat"]
    assert {place["y"] for place in first} == {0}
    assert sum(place["w"] for place in first) == 24


def test_the_dashboards_show_every_metric() -> None:
    shown = {s.name for _, expr in EVERYTHING for s in contract.selectors(contract.parse(expr)).values()}
    missing = {spec.name for spec in SERIES.values()} - {SERIES[name].name for name in shown if name in SERIES}
    # What a graph of degraded time shows as duration, the log tells as single events.
    assert missing == {"livewatch.liveness.warnings", "livewatch.eventloop.stalls"}


@EACH
def test_an_axis_of_shares_goes_to_one_hundred_percent_and_counts_have_no_fractions(name: str) -> None:
    for panel in contract.panels(DASHBOARDS[name]):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "timeseries" and defaults["unit"] == "percentunit":
            assert (defaults["min"], defaults["max"]) == (0, 1), panel["title"]
            assert panel["fieldConfig"]["defaults"]["custom"].get("stacking", {}).get("mode", "none") == "none"
        if panel["type"] == "timeseries" and defaults["unit"] == "short":
            assert defaults["decimals"] == 0, panel["title"]


BARS = [
    (f"{name}: {panel['title']}", panel)
    for name, document in DASHBOARDS.items()
    for panel in contract.panels(document)
    if panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"
]


@pytest.mark.parametrize("panel", [panel for _, panel in BARS], ids=[place for place, _ in BARS])
def test_bars_stand_for_at_least_three_scrapes_each(panel: dict[str, Any]) -> None:
    """Grafana's rate interval is a bar and one scrape long only then; else each event is drawn in several bars."""
    assert panel["interval"] == "1m"
    assert all("[$__rate_interval]" in target["expr"] for target in panel["targets"])
