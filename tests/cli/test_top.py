"""`livewatch top` before it touches a terminal."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from livewatch.cli import cli

_LOADS = """
import sys
from click.testing import CliRunner
from livewatch.cli import cli
for arguments in (["--help"], ["top", "--help"], ["top", "--interval", "5"], ["sessions", "--help"]):
    CliRunner().invoke(cli, arguments)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"textual", "rich", "opentelemetry", "psutil"}))
"""


@pytest.mark.parametrize("arguments", [["top"], ["top", "--board", "none"]])
def test_without_a_terminal_it_says_what_to_do_instead(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert result.stderr == "livewatch: top needs a terminal; `livewatch sessions list` prints the same once\n"


def test_nothing_heavy_is_loaded_before_the_screen_is_shown() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOADS], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


def test_examples_stand_on_lines_of_their_own() -> None:
    text = CliRunner().invoke(cli, ["top", "--help"]).stdout
    assert "\\b" not in text
    assert text.count("\n    livewatch top") == 2
