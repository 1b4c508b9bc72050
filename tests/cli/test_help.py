"""Help texts keep their examples on lines of their own."""

import pytest
from click.testing import CliRunner

from livewatch.cli import cli


@pytest.mark.parametrize("name", ["audit", "doctor", "events"])
def test_examples_stand_on_lines_of_their_own(name: str) -> None:
    text = CliRunner().invoke(cli, [name, "--help"]).stdout
    assert "\\b" not in text
    assert text.count(f"\n    livewatch {name}") == 2
