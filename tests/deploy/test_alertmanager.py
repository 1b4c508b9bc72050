"""The Alertmanager example: every alert that it names is shipped, and what explains another silences it."""

import re
from typing import Any

import pytest

from tests.dashboards.contract import RULES
from tests.deploy.manifests import documents

(CONFIG,) = documents("alertmanager/alertmanager.yml")
SHIPPED = [rule["alert"] for rule in RULES]


def matched(matchers: list[str], labels: dict[str, str]) -> bool:
    """Return whether labels match all matchers, as Alertmanager reads them."""
    for matcher in matchers:
        found = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher)
        assert found is not None, matcher
        name, operator, value = found.groups()
        same = re.fullmatch(value, labels.get(name, "")) if "~" in operator else labels.get(name, "") == value
        if bool(same) is operator.startswith("!"):
            return False
    return True


def silenced(source: str, target: str) -> list[list[str]]:
    """Return the labels in which the two must agree for each rule by which one alert silences another."""
    return [
        rule["equal"]
        for rule in CONFIG["inhibit_rules"]
        if matched(rule["source_matchers"], {"alertname": source})
        and matched(rule["target_matchers"], {"alertname": target})
    ]


def test_every_alert_that_is_named_is_shipped() -> None:
    text = repr(CONFIG)
    assert set(re.findall(r"Livewatch[A-Za-z]+", text)) <= set(SHIPPED)


@pytest.mark.parametrize("target", [name for name in SHIPPED if name not in ("LivewatchAbsent", "LivewatchWatchdog")])
def test_an_absent_agent_silences_the_rest_of_what_it_said(target: str) -> None:
    assert silenced("LivewatchAbsent", target) == [["job", "instance"]]


@pytest.mark.parametrize("target", ["LivewatchEventLoopLagHigh", "LivewatchQueueBacklog", "LivewatchSessionPastAbort"])
def test_a_gateway_that_is_down_silences_its_own_symptoms_and_no_other_gateways(target: str) -> None:
    assert silenced("LivewatchTargetDown", target) == [["job", "instance", "livewatch_target_name"]]


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_silences_itself_and_nothing_silences_the_watchdog(name: str) -> None:
    assert silenced(name, name) == []
    assert silenced(name, "LivewatchWatchdog") == []


def test_a_critical_alert_pages_and_a_warning_does_not() -> None:
    rules: list[dict[str, Any]] = CONFIG["route"]["routes"]
    for rule in RULES:
        labels = {"alertname": rule["alert"], **rule["labels"]}
        receiver = next(route["receiver"] for route in rules if matched(route["matchers"], labels))
        expected = {"critical": "page", "warning": "tickets", "none": "dead-mans-switch"}[rule["labels"]["severity"]]
        assert receiver == expected, rule["alert"]
