"""The shipped unit, unchanged, under a real systemd: one gateway, its agent, and everything that may befall them."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.stage_systemd import UNITS, Machine, machine
from tests.deploy.world import LIVEWATCH as BUILT
from tests.deploy.world import ROOT
from tests.waiting import until

AGENT = "livewatch@gateway.service"
LIVEWATCH = "/opt/livewatch/bin/livewatch"
SOCKET = "/run/livewatch/gateway/agent"
LOG = "/run/lw/agent.log"
CONFIG = "/etc/livewatch/gateway.toml"
GATEWAY = f"""
[Service]
User=gateway
RuntimeDirectory=gateway
ExecStart={LIVEWATCH} demo-gateway --board /run/gateway/board --socket /run/gateway/control --sessions 3
"""
FASTER = f"""
[Service]
WatchdogSec=2s
RestartSec=100ms
StandardError=append:{LOG}
"""


def settings(**thresholds: str) -> str:
    text = (ROOT / "deploy/systemd/gateway.toml").read_text(encoding="utf-8").replace("openclaw", "gateway")
    text = text.replace("127.0.0.1:9464", "127.0.0.1:0").replace('"observe"', '"release"')
    return text.replace('warn_after = "2m"', "\n".join(f'{key} = "{value}"' for key, value in thresholds.items()))


@pytest.fixture(name="host", scope="module")
def fixture_host(tmp_path_factory: pytest.TempPathFactory) -> Generator[Machine]:
    with machine(tmp_path_factory.mktemp("systemd") / "systemd.log") as host:
        host.run("mkdir", "-p", str(Path(LIVEWATCH).parent))
        host.run("ln", "-s", BUILT, LIVEWATCH)
        host.write(f"{UNITS}/openclaw.service", GATEWAY)
        unit = (ROOT / "deploy/systemd/livewatch@.service").read_text(encoding="utf-8")
        host.write(f"{UNITS}/livewatch@.service", unit)
        host.write(f"{UNITS}/{AGENT}.d/faster.conf", FASTER)
        host.write(CONFIG, settings(warn_after="2m"))
        host.run("systemctl", "daemon-reload")
        yield host


@pytest.fixture(name="running")
def fixture_running(host: Machine) -> Generator[Machine]:
    host.write(CONFIG, settings(warn_after="2m"))
    host.run("systemctl", "restart", AGENT)
    host.run(
        "systemctl", "restart", "openclaw.service"
    )  # later, so that its runtime folder is younger than the sandbox
    until(lambda: acts_and_sees(host), "a gateway that is seen, and the lease beside its socket")
    yield host
    host.run("systemctl", "stop", AGENT, "openclaw.service")


def status(host: Machine) -> dict[str, Any]:
    # It ends with 1 while something is wrong with the gateway, which is no failure here.
    found: dict[str, Any] = json.loads(host.run(LIVEWATCH, "status", "--json", "--agent", SOCKET, check=False))
    return found


def acts_and_sees(host: Machine) -> bool:
    found = status(host)
    return found["vitals"]["state"] == "responsive" and found["acts"]


def fed(host: Machine) -> int:
    return int(host.shown(AGENT, "WatchdogTimestampMonotonic"))


def until_fed(host: Machine, seconds: float) -> None:
    begun = fed(host)
    until(lambda: fed(host) > begun + seconds * 1e6, "a fed watchdog")


def test_start_returns_when_it_is_ready_and_its_sandbox_leaves_it_what_it_needs(running: Machine) -> None:
    shown = running.show(AGENT, "ActiveState", "SubState", "NRestarts", "Result", "WatchdogUSec")
    until(lambda: "responsive" in running.shown(AGENT, "StatusText"), "a status line")
    doctor = json.loads(running.run(LIVEWATCH, "doctor", "--json", "--agent", SOCKET, "--config", CONFIG))
    health = {found["check"]: found["health"] for found in doctor["checks"]}

    assert (shown["ActiveState"], shown["SubState"], shown["Result"]) == ("active", "running", "success")
    assert (shown["NRestarts"], shown["WatchdogUSec"]) == ("0", "2s")
    assert status(running)["vitals"]["rss_bytes"] > 0
    assert not [check for check, found in health.items() if found == "failure"]
    assert "gateway.journal.sqlite" in running.run("ls", "/var/lib/livewatch/gateway").split()


def test_the_gateways_death_costs_the_agent_nothing(running: Machine) -> None:
    pid = running.shown(AGENT, "MainPID")
    running.run("systemctl", "kill", "--signal=KILL", "openclaw.service")
    until(lambda: status(running)["vitals"]["state"] == "gone", "a gateway that is gone")
    until_fed(running, seconds=5.0)
    assert running.shown(AGENT, "MainPID") == pid


def test_a_gateway_that_is_restarted_is_acted_upon_as_before(running: Machine) -> None:
    before = running.shown("openclaw.service", "MainPID")
    running.run("systemctl", "restart", "openclaw.service")
    assert running.shown("openclaw.service", "MainPID") != before
    until_fed(running, seconds=1.0)
    until(lambda: acts_and_sees(running), "the lease in the new folder")


def test_a_reload_takes_up_new_settings_and_keeps_the_old_ones_when_they_are_wrong(running: Machine) -> None:
    running.write(CONFIG, settings(warn_after="100s"))
    running.run("systemctl", "reload", AGENT)
    until(lambda: status(running)["thresholds"]["warn_after_s"] == 100.0, "the new limit")
    running.write(CONFIG, settings(warn_aftr="100s"))
    running.run("systemctl", "reload", AGENT)
    until_fed(running, seconds=1.0)
    assert running.shown(AGENT, "ActiveState") == "active"
    assert status(running)["thresholds"]["warn_after_s"] == 100.0


def test_an_agent_that_hangs_is_replaced_and_leaves_word_of_where_it_was(running: Machine) -> None:
    pid = running.shown(AGENT, "MainPID")
    running.write(LOG, "")
    running.run("systemctl", "kill", "--signal=STOP", "--kill-who=main", AGENT)
    until(lambda: running.shown(AGENT, "NRestarts") == "1", "a restart")
    until(lambda: running.shown(AGENT, "ActiveState") == "active", "a ready successor")
    assert running.shown(AGENT, "MainPID") != pid
    assert "Fatal Python error: Aborted" in running.run("cat", LOG)


def test_settings_that_cannot_be_used_are_told_once_and_not_tried_again(running: Machine) -> None:
    running.write(CONFIG, settings(warn_aftr="2m"))
    running.write(LOG, "")
    said = running.run("systemctl", "restart", AGENT, check=False)
    shown = running.show(AGENT, "ActiveState", "Result", "ExecMainStatus", "NRestarts")
    assert "failed" in said
    assert shown == {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "2", "NRestarts": "0"}
    assert "did you mean 'warn_after'" in running.run("cat", LOG)


def test_a_stop_ends_with_0(running: Machine) -> None:
    running.run("systemctl", "stop", AGENT)
    shown = running.show(AGENT, "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}


def test_a_token_comes_as_a_credential_that_only_the_agent_sees(host: Machine) -> None:
    token = (ROOT / "deploy/systemd/drop-ins/token.conf").read_text(encoding="utf-8")
    host.write(f"{UNITS}/{AGENT}.d/token.conf", token)
    host.write("/etc/livewatch/gateway.token", "not-a-real-token")
    host.run("chmod", "600", "/etc/livewatch/gateway.token")
    host.write(CONFIG, '[target]\nsource = "openclaw"\nurl = "ws://127.0.0.1:1"\n')
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", AGENT)
    said = status(host)["problem"]
    environ = host.run("cat", f"/proc/{host.shown(AGENT, 'MainPID')}/environ").split("\0")
    host.run("systemctl", "stop", AGENT)
    host.run("rm", f"{UNITS}/{AGENT}.d/token.conf")
    host.run("systemctl", "daemon-reload")

    assert "ws://127.0.0.1:1" in said
    assert "token" not in said
    assert f"LIVEWATCH_TOKEN_FILE=/run/credentials/{AGENT}/gateway-token" in environ
    assert not [entry for entry in environ if "not-a-real-token" in entry]
