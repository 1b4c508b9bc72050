"""Every command says how to use it: a text, an example on a line of its own, and JSON where it reads."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from livewatch.cli import cli

NOT_FOR_MACHINES = {
    "completion",  # a script for the shell
    "config init",  # writes a file
    "config schema",  # is JSON
    "dashboards export",  # writes files
    "demo-break",  # a deed
    "demo-gateway",
    "run",
    "top",
}


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, (*words, name))
        else:
            yield " ".join((*words, name)), found


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_text_and_an_example_on_a_line_of_its_own(name: str) -> None:
    text = CliRunner().invoke(cli, [*name.split(), "--help"]).stdout

    assert "\\b" not in text
    assert len(text.splitlines()) > 5
    assert any(line.strip().removeprefix("Example: ").startswith(f"livewatch {name}") for line in text.splitlines())


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - NOT_FOR_MACHINES))
def test_what_reads_can_answer_with_json(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}

    assert "--json" in options
