"""``livewatch tune``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livewatch.cli.exits import Exit, end
from livewatch.configuration.load import ConfigError

if TYPE_CHECKING:
    from livewatch.tuning.silences import Silences
    from livewatch_classifiers.thresholds import Thresholds


@click.command("tune")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--false-aborts",
    type=click.FloatRange(min=0.0, min_open=True),
    default=1.0,
    show_default=True,
    help="False aborts a week to accept at most, for each kind of activity.",
)
@click.option(
    "--false-warnings",
    type=click.FloatRange(min=0.0, min_open=True),
    default=20.0,
    show_default=True,
    help="False warnings a week to accept at most.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the distribution as SVG there.")
@click.option("--fragment", "target", type=click.Path(path_type=Path), help="Write the recommended limits there.")
@click.option(
    "--recorded", type=click.Path(path_type=Path), help="Configuration that was in force, where PATH is a journal."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    path: Path,
    *,
    false_aborts: float,
    false_warnings: float,
    plot: Path | None,
    target: Path | None,
    recorded: Path | None,
    as_json: bool,
) -> None:
    """Learn from recorded silences which limits would have been wrong how often, and recommend some.

    PATH is a folder that `livewatch run --record` filled, one of its files, the trace of a simulation, or a journal
    (which tells only silences beyond its warning limit).

    Every figure stands beside its upper bound at 95 % confidence. A limit that was never crossed in a week may still
    be wrong three times a week: the rule of three. Where the recording is too short, or has fewer than 100 silences
    of a kind, nothing is recommended. Exit code 1: nothing at all could be recommended. 2: PATH cannot be used.

    \b
    Example: livewatch tune run/recording --plot silence.svg --fragment limits.toml
    """
    from livewatch.configuration.candidate import read_candidate
    from livewatch.recording import RecordingError
    from livewatch.recovery.settings import Policy
    from livewatch.tuning.recommendation import Wanted, advise
    from livewatch.tuning.report import document, fragment, lines
    from livewatch.tuning.svg import svg
    from livewatch_classifiers.thresholds import Thresholds

    wanted = Wanted(false_aborts, false_warnings)
    try:
        known = read_candidate(recorded).over(Thresholds(), Policy())[0] if recorded is not None else Thresholds()
        found, notes = _silences(path, known)
    except (ConfigError, RecordingError) as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="usage") from error
    advice = advise(found, wanted)
    text = fragment(found, advice, wanted)
    try:
        if plot is not None:
            plot.write_text(svg(advice, f"Silence in {path.name}"), encoding="utf-8")
        if target is not None and text:
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise end(Exit.USAGE, f"cannot write: {error}", as_json=as_json, kind="usage") from error
    if as_json:
        click.echo(json.dumps(document(found, advice, wanted, notes), indent=2))
    else:
        for note in notes:
            click.echo(f"livewatch: {note}", err=True)
        click.echo("\n".join(lines(found, advice, wanted)))
        if text and target is None:
            click.echo(f"\n{text}", nl=False)
        if target is not None:
            click.echo(f"livewatch: {target} {'written' if text else 'not written: nothing to recommend'}", err=True)
    if not text:
        raise click.exceptions.Exit(int(Exit.PROBLEM))


def _silences(path: Path, known: "Thresholds") -> "tuple[Silences, list[str]]":
    from livewatch.replay.inputs import is_journal, open_input, open_journal
    from livewatch.tuning.journal_silences import journal_silences
    from livewatch.tuning.silences import silences

    if is_journal(path):
        history, target = open_journal(path)
        return journal_silences(history, target, known), []
    source = open_input(path)
    return silences(source.entries), source.notes()
