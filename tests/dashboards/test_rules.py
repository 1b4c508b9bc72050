"""The alerts: catalogued, actionable, each with a runbook and a time at which it fires and one at which it does not."""

import re
from typing import Any

import pytest
import yaml

from tests.dashboards import contract
from tests.dashboards.contract import FOLDER, RULES

BOOKS = FOLDER.parent / "docs" / "runbooks"
HEADINGS = ["## Symptom", "## What livewatch already did", "## What to check", "## What to do"]
ALWAYS = "LivewatchWatchdog"
"""Fires as long as alerting works; it has no input, and nothing to act on."""
NAMES = [
    "LivewatchAbsent",
    "LivewatchTargetDown",
    "LivewatchSessionStuck",
    "LivewatchSessionPastAbort",
    "LivewatchEventLoopBlocked",
    "LivewatchEventLoopLagHigh",
    "LivewatchQueueBacklog",
    "LivewatchRecoveryFailing",
    "LivewatchRecoveryFlapping",
    "LivewatchRecoveryBudgetExhausted",
    "LivewatchSelfLagHigh",
    "LivewatchTelemetryFailing",
    "LivewatchCardinalityOverflow",
    "LivewatchTargetCrashLooping",
    "LivewatchRecoveryDeferred",
    "LivewatchLeaseLost",
    "LivewatchConfigRejected",
    ALWAYS,
]
EACH = pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])


def test_the_alerts_are_these() -> None:
    assert [rule["alert"] for rule in RULES] == NAMES


@EACH
def test_an_alert_names_only_what_is_catalogued(rule: dict[str, Any]) -> None:
    assert list(contract.problems(rule["expr"])) == []


@EACH
def test_an_alert_can_be_acted_on(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert notes["summary"].endswith(".")
    assert "{{" not in notes["summary"]
    if rule["alert"] == ALWAYS:
        assert (rule["expr"], rule["labels"]["severity"]) == ("vector(1)", "none")
        return
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"job", "instance"} <= contract.grouped(contract.parse(rule["expr"]))
    assert "{{ $labels." in notes["description"]
    assert "for" in rule or "[" in rule["expr"]


@EACH
def test_an_alert_has_a_runbook_with_everything_that_a_person_needs(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{rule['alert']}.md"
    text = (BOOKS / f"{rule['alert']}.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    assert rule["annotations"]["summary"] in text
    assert f"Severity: {rule['labels']['severity']}." in text
    assert f"[{rule['alert']}]({rule['alert']}.md)" in (BOOKS / "README.md").read_text(encoding="utf-8")


def test_no_runbook_is_left_over() -> None:
    assert {path.stem for path in BOOKS.glob("*.md")} == {*NAMES, "README"}


@EACH
def test_an_alert_is_tested_at_a_time_before_and_at_a_time_when_it_fires(rule: dict[str, Any]) -> None:
    tests = yaml.safe_load((FOLDER / "rules" / "tests" / "livewatch.yml").read_text(encoding="utf-8"))["tests"]
    checks = [c for t in tests for c in t["alert_rule_test"] if c["alertname"] == rule["alert"]]
    assert any(not c["exp_alerts"] for c in checks) or rule["alert"] == ALWAYS
    assert any(c["exp_alerts"] for c in checks)


def _instances(test: dict[str, Any]) -> set[str]:
    return {found for series in test["input_series"] for found in re.findall(r'instance="([^"]+)"', series["series"])}


@EACH
def test_an_alert_is_tested_in_a_fleet_in_which_only_one_instance_is_sick(rule: dict[str, Any]) -> None:
    tests = yaml.safe_load((FOLDER / "rules" / "tests" / "livewatch.yml").read_text(encoding="utf-8"))["tests"]
    fleets = [
        check
        for test in tests
        if len(_instances(test)) > 1
        for check in test["alert_rule_test"]
        if check["alertname"] == rule["alert"] and check["exp_alerts"]
    ]
    assert fleets or rule["alert"] == ALWAYS
    assert all(len(check["exp_alerts"]) == 1 for check in fleets)
