"""The Compose stack: files that are there, arguments that are understood, nothing open beyond the machine."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from livewatch.configuration.load import load_settings
from livewatch.demo.fault import Fault
from livewatch_classifiers.vocabulary import Mode
from tests.deploy.manifests import DEPLOY, documents, understood

(STACK,) = documents("compose/compose.yaml")
SERVICES: dict[str, Any] = STACK["services"]
OWN = [name for name, service in SERVICES.items() if service["image"].startswith("livewatch:")]


def mounts(service: str) -> list[list[str]]:
    return [text.split(":") for text in SERVICES[service].get("volumes", [])]


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there(service: str) -> None:
    for source, *_ in mounts(service):
        known = (DEPLOY / "compose" / source).exists() if source.startswith(".") else source in STACK["volumes"]
        assert known, source


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_depended_on_is_there_and_ports_are_open_to_this_machine_only(service: str) -> None:
    assert set(SERVICES[service].get("depends_on", [])) <= SERVICES.keys()
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_gateway_and_agent_are_one_user_in_one_process_namespace_that_outlives_both() -> None:
    assert {SERVICES[name]["user"] for name in OWN} == {"65532:65532"}
    assert SERVICES["gateway"]["pid"] == SERVICES["livewatch"]["pid"] == "service:processes"
    assert SERVICES["processes"]["entrypoint"] == ["sleep"]
    assert "uid=65532,gid=65532,mode=0700" in STACK["volumes"]["run"]["driver_opts"]["o"]


@pytest.mark.parametrize("service", ["gateway", "livewatch"])
def test_commands_are_understood(service: str) -> None:
    assert understood(SERVICES[service]["command"])


def test_the_gateway_is_broken_in_ways_that_it_knows_and_livewatch_may_repair_it() -> None:
    (script,) = SERVICES["faults"]["command"]
    (names,) = re.findall(r"for fault in (.*); do", script)
    assert set(names.split()) <= {fault.value for fault in Fault}
    (inbound,) = re.findall(r"--inbound (\S+)", script)
    board = understood(SERVICES["gateway"]["command"]).params["board"]
    assert inbound == f"{board}.inbound"
    settings = load_settings(DEPLOY / "compose/livewatch.toml", environ={})
    assert settings.recovery.mode is Mode.ABORT
    assert settings.thresholds.abort_after_s <= 60


def test_the_faults_are_a_script_that_a_shell_understands() -> None:
    (script,) = SERVICES["faults"]["command"]
    checked = subprocess.run(["sh", "-n"], input=script.replace("$$", "$"), text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_agent_looks_where_the_gateway_writes() -> None:
    settings = load_settings(DEPLOY / "compose/livewatch.toml", environ={})
    parameters = understood(SERVICES["gateway"]["command"]).params
    assert (settings.target.board, settings.target.socket) == (parameters["board"], parameters["socket"])
    assert [m[1] for m in mounts("gateway") if m[0] == "run"] == [m[1] for m in mounts("livewatch") if m[0] == "run"]


def test_prometheus_scrapes_the_agent_and_the_collector_where_they_serve() -> None:
    settings = load_settings(DEPLOY / "compose/livewatch.toml", environ={})
    (prometheus,) = documents("compose/prometheus.yml")
    (collector,) = documents("compose/collector.yaml")
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]}
    assert str(settings.telemetry.metrics_listen).replace("0.0.0.0", "livewatch") == jobs["livewatch"][0]
    (reader,) = collector["service"]["telemetry"]["metrics"]["readers"]
    assert [f"collector:{reader['pull']['exporter']['prometheus']['port']}"] == jobs["collector"]
    rules = Path("/etc/prometheus") / prometheus["rule_files"][0]
    assert str(rules) in [mount[1] for mount in mounts("prometheus")]


def test_the_collector_takes_what_the_agent_sends_and_uses_only_what_it_declares() -> None:
    (collector,) = documents("compose/collector.yaml")
    endpoint = SERVICES["livewatch"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
    listens = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert endpoint == f"http://{listens.replace('0.0.0.0', 'collector')}"
    for pipeline in collector["service"]["pipelines"].values():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= collector[part].keys()


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    (sources,) = documents("compose/grafana/datasources.yaml")
    (providers,) = documents("compose/grafana/dashboards.yaml")
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    (folder,) = (m[0] for m in mounts("grafana") if m[1] == providers["providers"][0]["options"]["path"])
    assert len(list((DEPLOY / "compose" / folder).glob("*.json"))) >= 4
