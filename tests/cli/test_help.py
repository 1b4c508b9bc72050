"""Every command says how to use it: a text, an example on a line of its own, and JSON where it reads."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from livewatch.cli import cli
from livewatch.cli.recover import ACTIONS
from livewatch_classifiers.vocabulary import ActionKind

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


def test_the_root_help_has_every_command_once_in_a_named_group() -> None:
    text = CliRunner().invoke(cli, ["--help"]).stdout
    heads = [line for line in text.splitlines() if line and not line.startswith(" ") and line.endswith(":")]
    named = [line.split()[0] for line in text.split("Run:")[1].splitlines() if line.startswith("  ") and line[2] != " "]

    assert heads == ["Options:", "Run:", "Look:", "Act:", "Learn:", "Develop:"]
    assert sorted(named) == cli.list_commands(click.Context(cli))


def test_a_word_that_is_no_command_names_the_one_that_was_probably_meant() -> None:
    assert "did you mean 'status'?" in CliRunner().invoke(cli, ["statsu"]).stderr
    assert "did you mean" not in CliRunner().invoke(cli, ["qqqqqq"]).stderr


def test_the_former_name_of_pause_still_works_and_is_not_in_the_help() -> None:
    former = cli.get_command(click.Context(cli), "hold")

    assert former is not None
    assert former.name == "pause"
    assert "hold" not in cli.list_commands(click.Context(cli))


def test_the_actions_that_recover_offers_are_those_that_there_are() -> None:
    assert [kind.value for kind in ActionKind] == list(ACTIONS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "completion"])
def test_what_takes_a_duration_says_so_and_no_option_is_just_text(name: str) -> None:
    with click.Context(COMMANDS[name]) as context:
        metavars = {p.name: p.make_metavar(context) for p in COMMANDS[name].params if isinstance(p, click.Option)}
    durations = ("timeout", "since", "interval", "duration", "warn_after", "abort_after")

    for option in durations:
        assert metavars.get(option, "DURATION") in ("DURATION", "")


@pytest.mark.parametrize("name", sorted(n for n in COMMANDS if n.split()[0] in ("run", "doctor", "status", "explain")))
def test_the_agents_socket_is_named_in_both_ways(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}

    assert {"--agent", "--agent-socket"} <= options


@pytest.mark.parametrize("flags", [["-v", "-q"], ["--log-level", "error", "-q"]])
def test_flags_that_ask_for_two_levels_of_the_log_are_refused(flags: list[str]) -> None:
    refused = CliRunner().invoke(cli, ["run", "--board", "b", *flags])

    assert (refused.exit_code, "one of --log-level, -v and -q" in refused.stderr) == (2, True)
