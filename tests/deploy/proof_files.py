"""The shipped files before the programs that read them: systemd-analyze, promtool, and kubectl where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy.manifests import DEPLOY

EXPOSURE_MAX = 2.0
"""What `systemd-analyze security` may say at most; 0 is perfectly closed, 10 wide open."""


def ran(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(name="unit")
def fixture_unit(tmp_path: Path) -> Path:
    """Return the unit, with a command that is on this machine."""
    path = tmp_path / "livewatch@.service"
    text = (DEPLOY / "systemd/livewatch@.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/livewatch/bin/livewatch " in text
    path.write_text(text.replace("/opt/livewatch/bin/livewatch ", "/bin/true "), encoding="utf-8")
    return path


def drop_ins(unit: Path, *names: str) -> None:
    folder = unit.with_name("livewatch@.service.d")
    folder.mkdir()
    for name in names:
        shutil.copy(DEPLOY / "systemd/drop-ins" / name, folder)


def verified(unit: Path) -> str:
    instance = unit.with_name("livewatch@root.service")
    instance.symlink_to(unit.name)
    return ran("systemd-analyze", "verify", "--man=no", instance)


def test_systemd_understands_every_line_of_the_unit_and_the_token(unit: Path) -> None:
    drop_ins(unit, "token.conf")
    assert verified(unit) == ""


def test_a_line_that_systemd_does_not_understand_would_be_told(unit: Path) -> None:
    unit.write_text(unit.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSecs="), encoding="utf-8")
    assert "WatchdogSecs" in verified(unit)


def test_the_sandbox_leaves_little_open(unit: Path) -> None:
    said = ran("systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={EXPOSURE_MAX * 10:g}", unit)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found is not None
    assert float(found[1]) <= EXPOSURE_MAX


def test_prometheus_takes_the_configuration_and_its_rules(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "compose/prometheus.yml", tmp_path)
    (tmp_path / "rules").mkdir()
    shutil.copy(DEPLOY.parent / "dashboards/rules/livewatch.yml", tmp_path / "rules")
    assert "1 rule files found" in ran("promtool", "check", "config", tmp_path / "prometheus.yml")


ALERTMANAGER = DEPLOY / "alertmanager/alertmanager.yml"


def test_alertmanager_takes_the_routes_and_inhibitions() -> None:
    said = ran("amtool", "check-config", ALERTMANAGER)
    assert "4 inhibit rules" in said
    assert "3 receivers" in said


@pytest.mark.parametrize(
    ("alert", "severity", "receiver"),
    [
        ("LivewatchWatchdog", "none", "dead-mans-switch"),
        ("LivewatchAbsent", "critical", "page"),
        ("LivewatchSessionStuck", "warning", "tickets"),
        ("SomebodyElses", "critical", "tickets"),
    ],
)
def test_each_alert_goes_to_who_is_meant(alert: str, severity: str, receiver: str) -> None:
    routed = ran(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={ALERTMANAGER}",
        f"alertname={alert}",
        f"severity={severity}",
    )
    assert routed.split()[0] == receiver


def test_the_complete_example_is_what_kustomize_makes() -> None:
    assert shutil.which("kubectl"), "kubectl is not installed: it renders deploy/kubernetes/example"
    rendered = ran("kubectl", "kustomize", DEPLOY / "kubernetes/example")
    head, _, rest = (DEPLOY / "kubernetes/complete.yaml").read_text(encoding="utf-8").partition("\n")
    assert head.startswith("# ")
    assert rest == rendered


def test_the_component_serves_a_stateful_set_with_settings_of_its_own(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    own = tmp_path / "kubernetes/example"
    text = (own / "gateway.yaml").read_text(encoding="utf-8").replace("kind: Deployment", "kind: StatefulSet")
    text = text.replace("  strategy:\n    type: Recreate\n", "  serviceName: gateway\n")
    (own / "gateway.yaml").write_text(text, encoding="utf-8")
    (own / "livewatch.toml").write_text('[target]\nsource = "openclaw"\n', encoding="utf-8")
    made = {document["kind"]: document for document in yaml.safe_load_all(ran("kubectl", "kustomize", own))}
    for document in made.values():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    (sidecar,) = made["StatefulSet"]["spec"]["template"]["spec"]["initContainers"]
    volumes = {volume["name"]: volume for volume in made["StatefulSet"]["spec"]["template"]["spec"]["volumes"]}
    assert sidecar["restartPolicy"] == "Always"
    assert volumes["livewatch-config"]["configMap"]["name"] == made["ConfigMap"]["metadata"]["name"]
    assert "openclaw" in made["ConfigMap"]["data"]["livewatch.toml"]
