"""`livewatch config`: a first file, whether it can be used, and what is in force."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import cli
from livewatch.cli.config import running_lines
from livewatch.configuration.file_text import in_force
from livewatch.configuration.load import load_settings


@pytest.fixture(name="home")
def fixture_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "livewatch" / "livewatch.toml"


def config(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli, ["config", *map(str, arguments)], env=env)


def test_the_first_file_is_where_run_finds_it_and_can_be_used(home: Path) -> None:
    assert config("init").exit_code == 0
    checked = config("check")

    assert checked.stdout == f"{home}: can be used; 0 keys are set\n"
    assert "these alone do not start `run`, which also needs: no gateway given" in checked.stderr
    assert checked.exit_code == 0


def test_nothing_that_is_there_is_replaced_unless_forced(home: Path) -> None:
    home.parent.mkdir()
    home.write_text("mine", encoding="utf-8")
    refused = config("init")

    assert (refused.exit_code, home.read_text(encoding="utf-8")) == (1, "mine")
    assert "--force" in refused.stderr
    assert config("init", "--force").exit_code == 0
    assert home.read_text(encoding="utf-8") != "mine"


def test_a_dash_prints_it(home: Path) -> None:
    assert config("init", "-").output.startswith("# livewatch.toml")
    assert not home.exists()


def test_limits_of_openclaw_are_taken_over(home: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "openclaw.json"
    theirs.write_text('{"diagnostics": {"stuckSessionWarnMs": 90000}}', encoding="utf-8")
    assert config("init", "--from-openclaw", theirs).exit_code == 0
    line = home.read_text(encoding="utf-8").splitlines().index('warn_after = "1m30s"') + 1

    assert json.loads(config("show", "--json").output)["settings"]["thresholds.warn_after"] == {
        "value": "1m30s",
        "origin": f"{home}:{line}",
    }


def test_a_file_of_openclaw_without_limits_is_said_to_have_none(home: Path, tmp_path: Path) -> None:
    (tmp_path / "openclaw.json").write_text("{}", encoding="utf-8")
    result = config("init", "--from-openclaw", tmp_path / "openclaw.json")

    assert (result.exit_code, home.exists()) == (0, True)
    assert "sets none of diagnostics.stuckSessionWarnMs" in result.stderr


def test_a_wrong_file_is_told_with_line_and_nearest_key(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[thresholds]\nwarn_aftr = "1m"\n', encoding="utf-8")

    for result in (config("check", path), config("check", "--config", path), config("show", "--config", path)):
        assert result.exit_code == 2
        assert f"{path}:2: unknown key thresholds.warn_aftr; did you mean 'warn_after'?" in result.stderr
    assert json.loads(config("check", path, "--json").stdout)["error"]["type"] == "config"
    assert not home.exists()


def test_a_shadow_that_cannot_be_used_is_part_of_the_check(home: Path, tmp_path: Path) -> None:
    result = config("check", env={"LIVEWATCH_SHADOW": str(tmp_path / "none.toml")})

    assert (result.exit_code, home.exists()) == (2, False)
    assert "agent.shadow" in result.stderr


def test_a_variable_that_is_no_setting_is_a_warning(home: Path) -> None:
    result = config("check", env={"LIVEWATCH_WARN_AFTR": "1m", "LIVEWATCH_MODE": "abort"})

    assert (result.exit_code, home.exists()) == (0, False)
    assert "did you mean 'LIVEWATCH_WARN_AFTER'" in result.stderr
    assert "no file: can be used; 1 key is set" in result.stdout


def test_what_is_in_force_says_where_it_comes_from(home: Path) -> None:
    home.parent.mkdir()
    home.write_text('[thresholds]\n\nwarn_after = "1m"\n', encoding="utf-8")
    lines = config("show", "--origin", env={"LIVEWATCH_SOURCE": "openclaw"}).output.splitlines()
    origins = {line.split(" = ")[0]: line.rpartition("  # ")[2] for line in lines if " = " in line}

    assert origins["warn_after"] == f"{home}:3"
    assert origins["source"] == "LIVEWATCH_SOURCE"
    assert origins["interval"] == origins["abort_repeating"] == "default of this source"
    assert origins["mode"] == "default"


def test_looks_rarer_than_the_limit_are_refused_with_who_set_them(home: Path) -> None:
    result = config("check", env={"LIVEWATCH_INTERVAL": "3m"})

    assert (result.exit_code, home.exists()) == (2, False)
    assert "agent.interval (3m) must be below thresholds.warn_after (2m) (set by LIVEWATCH_INTERVAL)" in result.stderr


def test_the_schema_is_one_json_document() -> None:
    assert json.loads(config("schema").output)["title"] == "livewatch.toml"


def test_people_that_are_not_of_this_host_are_refused(home: Path) -> None:
    result = config("check", env={"LIVEWATCH_OPERATORS": '["nobody-of-that-name"]'})

    assert (result.exit_code, home.exists()) == (2, False)
    assert "nobody-of-that-name" in result.stderr


def test_a_key_outside_of_its_section_is_told_where_it_belongs(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "livewatch.toml"
    path.write_text('mode = "abort"\n', encoding="utf-8")

    assert "mode belongs into [recovery]" in config("check", path).stderr
    assert not home.exists()


def test_a_check_names_everything_that_is_wrong(home: Path) -> None:
    home.parent.mkdir()
    home.write_text('[thresholds]\nwarn_aftr = "1m"\nabort_after = "6"\n[recovry]\n', encoding="utf-8")
    home.chmod(0o600)
    checked = config("check", env={"LIVEWATCH_MODE": "everything"})
    told = checked.stderr.splitlines()

    assert checked.exit_code == 2
    assert [word in line for word, line in zip(("warn_aftr", "6", "recovry", "LIVEWATCH_MODE"), told, strict=True)] == [
        True
    ] * 4
    assert told[-1].endswith("; 4 problems in all")


def test_what_is_in_force_in_the_running_agent_is_printed_with_its_origins() -> None:
    settings = load_settings(Path("/dev/null"), environ={}, flags={"mode": "abort", "warn_after": "5s"})
    told = {
        key: {"value": value, "origin": settings.origins.get(key, "default")}
        for key, value in in_force(settings).items()
    }
    lines = running_lines({"pid": 7, "settings": told}, origin=True)

    assert lines[0] == "# in force in the agent with pid 7"
    assert any(line.startswith('mode = "abort"') and line.endswith("# flag") for line in lines)
    assert any(line.startswith('verify = "15s"') and line.endswith("# default") for line in lines)
