"""The unit's own words against what livewatch does; what systemd makes of it is in `proof_systemd.py`."""

import re
from pathlib import Path

import pytest

from livewatch.cli.exits import Exit
from livewatch.configuration.load import load_settings
from livewatch.configuration.settings import AgentSettings
from livewatch.durations import parse_duration
from livewatch.supervision.sd_notify import NotifySocket
from livewatch.supervision.supervisor import Supervisor
from tests.deploy.manifests import DEPLOY, understood

UNIT = (DEPLOY / "systemd/livewatch@.service").read_text(encoding="utf-8")


def value(key: str) -> str:
    found = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    assert len(found) == 1, key
    return str(found[0])


def test_its_command_is_understood_and_waits() -> None:
    _program, *arguments = value("ExecStart").split()
    assert understood(arguments).params["wait"] is True


def test_it_does_not_try_again_what_cannot_work() -> None:
    assert value("RestartPreventExitStatus") == str(int(Exit.USAGE))
    assert value("Restart") == "always"


def test_its_watchdog_leaves_room_for_the_default_interval() -> None:
    watchdog_s = parse_duration(value("WatchdogSec"))
    Supervisor(NotifySocket(), interval_s=AgentSettings().interval_s, watchdog_s=watchdog_s)
    assert watchdog_s >= 10 * AgentSettings().interval_s


def test_the_sample_settings_are_valid_and_only_look_at_first() -> None:
    settings = load_settings(DEPLOY / "systemd/gateway.toml", environ={})
    assert settings.recovery.mode.value == "observe"
    assert settings.target.board == Path("/run/openclaw/board")
    assert settings.warnings == ()


@pytest.mark.parametrize("never", ["PrivateUsers", "RemoveIPC", "DynamicUser", "PrivatePIDs", "ProcSubset"])
def test_it_has_no_option_that_would_blind_it_or_hurt_the_gateway(never: str) -> None:
    assert not re.search(rf"^{never}=", UNIT, re.MULTILINE)
