"""A wrong scenario file gets one line that names file, line and key, and says what to write instead."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from livewatch.cli import cli
from livewatch.simulation.document import ScenarioError
from livewatch.simulation.schema import read_scenario

GOOD = """title = "one session"
duration = "10m"

[sessions.main]

[[script]]
at = "10s"
do = "message"
to = "main"

[[expect]]
answered = 1
"""


def problem(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(Path("one.toml"), text)
    return str(caught.value)


def test_the_good_file_is_good() -> None:
    assert read_scenario(Path("one.toml"), GOOD).duration_s == 600


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "hint"),
    [
        ('duration = "10m"', 'duration = "ten"', 2, "duration", "ten"),
        ('duration = "10m"', "duration = 600", 2, "duration", "600"),
        ('duration = "10m"\n', "", 1, "duration", "needs the key"),
        ('title = "one session"\n', "", 1, "title", "needs the key"),
        ('at = "10s"', 'att = "10s"', 6, "script[1]", "at"),
        ('do = "message"', 'do = "mesage"', 8, "script[1].do", "did you mean 'message'"),
        ('to = "main"', 'to = "mian"', 9, "script[1].to", "did you mean 'main'"),
        ('to = "main"', 'to = "main"\nturns = []', 10, "script[1].turns", "did you mean 'turn'"),
        ('to = "main"', 'to = "main"\nturn = [{ modle = "x" }]', 10, "script[1].turn[1]", "model"),
        ('to = "main"', 'to = "main"\nturn = [{ model = "x", takes = ["9s", "2s"] }]', 10, "takes", "lowest"),
        ('to = "main"', 'to = "main"\nevery = "0s"', 10, "script[1].every", "longer than 0"),
        ('to = "main"', 'to = "main"\nturn = [{ model = "x", progress = "0s" }]', 10, "progress", "longer than 0"),
        ("[sessions.main]", "[agent]\ncount = 3\n[sessions.main]", 5, "agent.count", "1 or 2"),
        ("answered = 1", 'answered = "one"', 12, "expect[1].answered", "whole number"),
        ("answered = 1", 'session = "main"\naction = "abort_runs"', 13, "expect[1].action", "did you mean 'abort_run'"),
        ("answered = 1", 'session = "main"\nis = "stalled/dead"', 13, "expect[1].is", "dead"),
        ("answered = 1", 'answered = 1\nby = "11m"', 13, "expect[1].by", "10m"),
        ("[sessions.main]", '[sessions.main]\nhides = ["ids"]', 5, "sessions.main.hides", "id"),
        ("[sessions.main]", '[sessions.main]\nlane = "cron"', 5, "sessions.main.lane", "cron"),
        ("[sessions.main]", '[thresholds]\nwarn_afterr = "2m"\n[sessions.main]', 5, "thresholds", "warn_after"),
        ("[sessions.main]", '[recovery]\nmode = "kill"\n[sessions.main]', 5, "recovery.mode", "abort"),
        ("[sessions.main]", '[gateway]\ncan = ["reboot"]\n[sessions.main]', 5, "gateway.can", "restart_target"),
        ("[sessions.main]", "[lanes.cron]\nslots = 0\n[sessions.main]", 5, "lanes.cron.slots", "at least 1"),
    ],
)
def test_an_error_names_file_line_and_key_and_what_would_be_right(
    old: str, new: str, line: int, key: str, hint: str
) -> None:
    assert old in GOOD
    text = problem(GOOD.replace(old, new))

    assert text.startswith(f"one.toml:{line}: ")
    assert key in text
    assert hint in text
    assert "\n" not in text


def test_text_that_is_not_toml_is_one_line_too() -> None:
    assert problem("title = ").startswith("one.toml: not valid TOML: ")


def test_the_command_ends_with_2_for_a_wrong_file_and_with_1_for_a_failed_one(tmp_path: Path) -> None:
    wrong, failed = tmp_path / "wrong.toml", tmp_path / "failed.toml"
    wrong.write_text(GOOD.replace('to = "main"', 'to = "mian"'), encoding="utf-8")
    failed.write_text(GOOD.replace("answered = 1", "answered = 2"), encoding="utf-8")

    unusable = CliRunner().invoke(cli, ["simulate", str(wrong)])
    unfulfilled = CliRunner().invoke(cli, ["simulate", str(failed)])

    assert (unusable.exit_code, unfulfilled.exit_code) == (2, 1)
    assert unusable.stderr.strip().count("\n") == 0
    assert "wrong.toml:9" in unusable.stderr
    assert "message to='main'" in unfulfilled.stdout, "the timeline around the failure is printed"
