"""``livewatch replay``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livewatch.cli.exits import Exit, end
from livewatch.configuration.load import ConfigError

if TYPE_CHECKING:
    from livewatch.replay.replay import Replayed


@click.command("replay")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="File with [thresholds] and [recovery]: what should be other than recorded.",
)
@click.option(
    "--recorded",
    type=click.Path(path_type=Path),
    help="The same for what was in force, where PATH is a journal: it does not know.",
)
@click.option("--all", "everything", is_flag=True, help="Show every difference, also those of holds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(path: Path, policy: Path | None, recorded: Path | None, *, everything: bool, as_json: bool) -> None:
    """Go through recorded rounds under other settings: what would have been said and done, beside what was.

    PATH is a folder that `livewatch run --record` filled, one of its files, the trace of a simulation, or a journal
    (which has looks around incidents only: what it shows is approximate).

    Without --policy the recorded settings are replayed, and must lead to what was recorded: exit code 1 if they do
    not. Exit code 2: the recording or a file cannot be used.

    \b
    Example: livewatch replay run/recording --policy candidate.toml
    """
    from livewatch.configuration.candidate import Candidate, read_candidate
    from livewatch.recording import RecordingError
    from livewatch.recovery.settings import Policy
    from livewatch.replay.inputs import open_input
    from livewatch.replay.replay import replay
    from livewatch.replay.report import document, lines
    from livewatch_classifiers.thresholds import Thresholds

    try:
        candidate = read_candidate(policy) if policy is not None else Candidate()
        known = read_candidate(recorded).over(Thresholds(), Policy()) if recorded is not None else None
        source = open_input(path, known)
        told = replay(source.entries, candidate)
    except (ConfigError, RecordingError) as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="usage") from error
    if as_json:
        click.echo(json.dumps(document(told, source.notes()), indent=2))
    else:
        if told.sparse and recorded is None:
            click.echo("livewatch: what was in force is not in there; defaults are taken, or give --recorded", err=True)
        for note in source.notes():
            click.echo(f"livewatch: {note}", err=True)
        click.echo("\n".join(lines(told, everything=everything)))
    if _broken(told, candidate):
        raise click.exceptions.Exit(int(Exit.PROBLEM))


def _broken(told: "Replayed", candidate: object) -> bool:
    """Return whether a replay that should have been exact was not."""
    return not getattr(candidate, "keys", ()) and not told.sparse and not told.same
