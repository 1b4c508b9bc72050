"""Version, completion and the list of metrics."""

import json

import pytest
from click.testing import CliRunner

from livewatch import __version__
from livewatch.cli import cli
from livewatch.probe.layout import VERSION
from livewatch_exporters.catalogue import CATALOGUE


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_version_names_what_must_agree() -> None:
    assert said("version").startswith(f"livewatch {__version__} (Python 3.")
    document = json.loads(said("version", "--json"))
    assert (document["version"], document["board_layout"]) == (__version__, VERSION)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str) -> None:
    assert "_LIVEWATCH_COMPLETE" in said("completion", shell)


def test_every_metric_is_listed_and_a_pattern_chooses() -> None:
    document = json.loads(said("metrics", "list", "--json"))
    assert [row["name"] for row in document["metrics"]] == [spec.name for spec in CATALOGUE]
    assert "livewatch_gateway_verdicts_total" in said("metrics", "list", "*gateway*")
    assert "livewatch_target_up" not in said("metrics", "list", "*gateway*")
