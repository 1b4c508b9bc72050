"""Every panel, annotation and alert, asked of a real Prometheus that watched real faults: ``make telemetry-test``."""

import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livewatch.dashboard_files import Places, tree
from livewatch_exporters.catalogue import CATALOGUE
from tests.dashboards import contract
from tests.telemetry.stage import RULES, Stage, staged

pytestmark = pytest.mark.timeout(400)
SERIES_PROMISED = 1300
RATE, RANGE = "15s", "5m"
QUERIES = [*contract.panel_queries(), *contract.annotation_queries()]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as played:
        yield played


def values(series: list[dict[str, Any]]) -> list[float]:
    return [float(value) for one in series for _, value in one["values"] if not math.isnan(float(value))]


def test_the_demonstration_went_as_it_must(stage: Stage) -> None:
    assert [fault for fault in stage.demo["faults"] if fault["problem"]] == []


@pytest.mark.parametrize(("where", "expr"), QUERIES, ids=[f"{n}-{where}" for n, (where, _) in enumerate(QUERIES)])
def test_a_query_has_something_to_show(stage: Stage, where: str, expr: str) -> None:
    shown = values(stage.over_time(contract.filled_in(expr, RATE, RANGE)))
    assert shown, f"{where} is empty: {expr}"
    assert any(shown), f"{where} is 0 all the time: {expr}"


@pytest.mark.parametrize(("where", "selector"), contract.variables())
def test_a_variable_has_something_to_choose(stage: Stage, where: str, selector: str) -> None:
    found = stage.ask("series", **{"match[]": contract.filled_in(selector), "start": stage.from_s, "end": stage.to_s})
    assert found, where


def test_every_rule_is_healthy_and_evaluated(stage: Stage) -> None:
    rules = [rule for group in stage.ask("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in contract.RULES]
    assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}


@pytest.mark.parametrize(("name", "expr"), contract.alerts())
def test_the_condition_of_every_alert_was_met(stage: Stage, name: str, expr: str) -> None:
    assert stage.over_time(expr), f"{name} can never fire here"
    assert stage.over_time(f'ALERTS{{alertname="{name}"}}'), f"{name} was never pending"


def test_an_alert_without_a_wait_fired_and_its_text_is_filled_in(stage: Stage) -> None:
    firing = [alert for alert in stage.ask("alerts")["alerts"] if alert["state"] == "firing"]
    assert "LivewatchRecoveryFailing" in {alert["labels"]["alertname"] for alert in firing}
    for alert in firing:
        assert "<no value>" not in alert["annotations"]["description"]


def test_promtool_accepts_the_metrics_page(stage: Stage) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=stage.page, capture_output=True, text=True, check=False, timeout=30
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [["check", "rules", "--lint=all", "--lint-fatal", RULES.name], ["test", "rules", "tests/livewatch.yml"]],
    ids=["check", "test"],
)
def test_promtool_accepts_the_rules(arguments: list[str]) -> None:
    checked = subprocess.run(
        ["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS" in checked.stdout + checked.stderr


def test_promtool_accepts_what_is_exported(tmp_path: Path) -> None:
    for name, text in tree(Places()).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["promtool", "check", "config", str(tmp_path / "prometheus" / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(contract.RULES)} rules found" in checked.stdout


def test_a_gateway_costs_no_more_series_than_the_catalogue_says(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    worst = sum(spec.series_max for spec in CATALOGUE)
    lines = [line for line in stage.page.splitlines() if line.startswith("livewatch_")]
    with capsys.disabled():
        print(  # noqa: T201 -- the number that people want to see
            f"\nseries per gateway: {worst} at worst (promised: {SERIES_PROMISED}), {len(lines)} in the demonstration"
        )
    assert len(lines) <= worst < SERIES_PROMISED
    assert {line.partition("{")[0].partition(" ")[0] for line in lines} <= set(contract.SERIES)
