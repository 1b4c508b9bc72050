"""``livewatch simulate``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from livewatch.cli.exits import Exit, end
from livewatch.cli.random_worlds import Wish, run_random

if TYPE_CHECKING:
    from livewatch.simulation.runner import Run
    from livewatch.simulation.scenario import Scenario


@click.command("simulate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--trace", type=click.Path(path_type=Path), help="Write the run as a recorded trace (one scenario).")
@click.option("--explain", metavar="SESSION", help="Say why a session had its label (one scenario, with --at).")
@click.option("--at", metavar="TIME", help="Moment for --explain, such as 2m10s.")
@click.option("--rules", default="livewatch", help="Run under another rule set.", show_default=True)
@click.option("--compare", is_flag=True, help="Run every scenario under every rule set; print one table.")
@click.option("--data-sheet", type=click.Path(path_type=Path), help="With --compare: write the data sheet there.")
@click.option("--random", "worlds", type=click.IntRange(min=1), metavar="N", help="Run N random worlds instead.")
@click.option("--endless", is_flag=True, help="Random worlds until stopped (Ctrl-C); then the summary.")
@click.option("--hours", type=float, default=6.0, show_default=True, help="Virtual hours of each random world.")
@click.option("--seed", type=int, default=1, show_default=True, help="First seed of the random worlds.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes for random worlds.")
@click.option("--shrink-for", default="60s", show_default=True, metavar="DURATION", help="Time to cut down a failure.")
@click.option("--keep", type=click.Path(path_type=Path), default=Path(), help="Folder for failed worlds.  [default: .]")
@click.option("--timeline", "show", is_flag=True, help="Print everything that happened in each scenario.")
def command(
    *,
    paths: tuple[Path, ...],
    trace: Path | None,
    explain: str | None,
    at: str | None,
    rules: str,
    data_sheet: Path | None,
    worlds: int | None,
    hours: float,
    seed: int,
    jobs: int,
    endless: bool,
    shrink_for: str,
    keep: Path,
    as_json: bool,
    compare: bool,
    show: bool,
) -> None:
    """Run scenario files (or folders of them) in virtual time, against the production rules.

    Exit code 1: an expectation or an invariant failed. Exit code 2: a file is wrong.

    \b
    Examples:
      livewatch simulate tests/scenarios
      livewatch simulate one.toml --explain agent:main:main --at 11m30s
      livewatch simulate --compare tests/scenarios
      livewatch simulate --random 100 --seed 7

    A random world in which an invariant breaks is cut down to the smallest one that breaks it in the same way, and
    written as a scenario file; its path and the command that replays it are printed.
    """
    if worlds is not None or endless:
        shrink_for_s = _seconds("--shrink-for", shrink_for, as_json=as_json)
        run_random(Wish(None if endless else worlds, hours, seed, jobs, shrink_for_s, keep, as_json))
        return
    scenarios = _load(paths, as_json=as_json)
    if compare:
        _compare(scenarios, data_sheet, as_json=as_json)
        return
    if (explain or trace) and len(scenarios) != 1:
        raise end(Exit.USAGE, "--explain and --trace take one scenario file", as_json=as_json, kind="usage")
    if explain is not None:
        _explain(scenarios[0], explain, at, as_json=as_json)
        return
    _run(scenarios, rules, trace, as_json=as_json, show=show)


def _load(paths: tuple[Path, ...], *, as_json: bool) -> "list[Scenario]":
    from livewatch.simulation.document import ScenarioError
    from livewatch.simulation.runner import scenario_files
    from livewatch.simulation.schema import load_scenario

    files = scenario_files(paths)
    if not files:
        raise end(Exit.USAGE, "give scenario files or folders with some", as_json=as_json, kind="usage")
    try:
        return [load_scenario(path) for path in files]
    except ScenarioError as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="scenario") from error


def _run(scenarios: "list[Scenario]", rules: str, trace: Path | None, *, as_json: bool, show: bool) -> None:
    from livewatch.durations import format_duration
    from livewatch.simulation import report
    from livewatch.simulation.rulesets import RULE_SETS
    from livewatch.simulation.runner import LIVEWATCH, run_scenario
    from livewatch.simulation.trace import TraceWriter

    if rules not in (LIVEWATCH, *RULE_SETS):
        known = ", ".join((LIVEWATCH, *RULE_SETS))
        raise end(Exit.USAGE, f"no rule set is called {rules!r}; known: {known}", as_json=as_json, kind="usage")
    runs: list[Run] = []
    for scenario in scenarios:
        if trace is None:
            run = run_scenario(scenario, rules)
        else:
            with trace.open("wb") as file:
                run = run_scenario(scenario, rules, witnesses=(TraceWriter(file),))
        runs.append(run)
        if as_json:
            continue
        click.echo(report.line(run))
        if show:
            for at_s, text in report.timeline(run):
                click.echo(f"      {format_duration(at_s):>8}  {text}")
        if not run.passed:
            click.echo("\n".join(report.failure_lines(run)))
    passed = all(run.passed for run in runs)
    if as_json:
        click.echo(json.dumps({"ok": passed, "scenarios": [report.as_json(run) for run in runs]}, indent=2))
    else:
        click.echo("\n" + "\n".join(report.summary(runs)))
    if not passed:
        raise click.exceptions.Exit(int(Exit.PROBLEM))


def _explain(scenario: "Scenario", session: str, at: str | None, *, as_json: bool) -> None:
    from livewatch.cli.explain import lines
    from livewatch.local_api import views
    from livewatch.simulation.runner import run_scenario
    from livewatch.simulation.watching import AgentWatch

    at_s = scenario.duration_s if at is None else _seconds("--at", at, as_json=as_json)
    documents: list[dict[str, Any] | None] = []

    def look(watch: AgentWatch) -> None:
        documents.append(views.explain(watch.agent, session))

    run = run_scenario(scenario, until_s=at_s, watched=look)
    document = documents[0]
    if document is None:
        known = ", ".join(sorted(run.record.labels))
        raise end(Exit.USAGE, f"no session {session!r} then; known: {known}", as_json=as_json, kind="usage")
    dead = next((a for a in run.record.afflictions if a.session == session and a.until_s is None), None)
    document["truth"] = None if dead is None else {"fault": dead.fault.value, "since_s": dead.since_s}
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    click.echo("\n".join(lines(document)))
    click.echo(f"  in truth: {'alive' if dead is None else f'dead of {dead.fault.value} since {dead.since_s:g} s'}")


def _seconds(option: str, text: str, *, as_json: bool) -> float:
    """Return a duration of the command line in seconds."""
    from livewatch.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise end(Exit.USAGE, f"{option}: {error}", as_json=as_json, kind="usage") from error


def _compare(scenarios: "list[Scenario]", data_sheet: Path | None, *, as_json: bool) -> None:
    from livewatch.simulation.data_sheet import data_sheet as write
    from livewatch.simulation.data_sheet import summary_table
    from livewatch.simulation.rulesets import RULE_SETS
    from livewatch.simulation.runner import LIVEWATCH, run_scenario
    from livewatch.simulation.score import score

    scores = [
        score(rules, (run_scenario(scenario, rules) for scenario in scenarios)) for rules in (LIVEWATCH, *RULE_SETS)
    ]
    hours = sum(scenario.duration_s for scenario in scenarios) / 3600
    if data_sheet is not None:
        data_sheet.write_text(write(scores, hours), encoding="utf-8")
    if as_json:
        rows = [
            {
                "rules": s.rules,
                "dead": s.total.deaths,
                "repaired": s.total.repaired,
                "told_only": s.total.told,
                "false_actions": s.false_actions,
                "messages_lost": s.lost,
                "wrong_labels": len(s.mistakes.mistakes_s),
            }
            for s in scores
        ]
        click.echo(json.dumps({"ok": True, "scenarios": len(scenarios), "rule_sets": rows}, indent=2))
        return
    click.echo(f"{len(scenarios)} scenarios, {hours:.1f} virtual hours under each rule set\n")
    click.echo("\n".join(summary_table(scores)))
