"""Random worlds break no invariant under livewatch, and would notice if its protections were taken away."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from livewatch.cli import cli
from livewatch.simulation import levers, soak
from livewatch.simulation.random_worlds import run_random_world
from livewatch.simulation.report import failure_lines
from livewatch.simulation.soak import run_worlds
from livewatch.simulation.tally import WorldResult
from livewatch_classifiers import BlindTime

WORLDS = range(1, 61)
HOURS = 6.0


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_random_world_breaks_no_invariant(seed: int) -> None:
    run = run_random_world(seed, HOURS)

    assert run.passed, "\n".join(failure_lines(run))


def without_blind_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BlindTime, "overlap", lambda *_: 0.0)


def with_a_gateway_that_checks_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(levers, "_refusal", lambda *_: None)


@pytest.mark.invariant(1)
@pytest.mark.parametrize("sabotage", [without_blind_time, with_a_gateway_that_checks_nothing])
def test_random_worlds_notice_a_missing_protection(
    sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)

    broken = (failure for seed in WORLDS for failure in run_random_world(seed, HOURS).failures)
    assert next((f for f in broken if f.what == "invariant: no healthy session is touched"), None) is not None


def test_a_world_is_the_same_in_every_process() -> None:
    seeds = range(1, 4)

    assert list(run_worlds(seeds, 1.0, jobs=1)) == list(run_worlds(seeds, 1.0, jobs=2))


def test_the_command_counts_worlds_hours_and_faults() -> None:
    answer = CliRunner().invoke(cli, ["simulate", "--random", "12", "--hours", "2", "--seed", "5", "--json"])

    facts = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert (facts["worlds"], facts["virtual_hours"], facts["false_actions"], facts["failed_seeds"]) == (12, 24.0, 0, [])
    assert facts["deaths"] == sum(facts["faults"].values()) > 0


def test_what_befell_the_worlds_and_how_fast_they_were_is_told() -> None:
    answer = CliRunner().invoke(cli, ["simulate", "--random", "8", "--hours", "2", "--seed", "5", "--json"])

    facts = json.loads(answer.stdout)
    assert sum(facts["misfortunes"].values()) > 0
    assert facts["actions"] >= facts["true_actions"] > 0
    assert facts["virtual_hours_per_s"] == pytest.approx(facts["virtual_hours"] / facts["real_s"], rel=0.2)


@cache
def a_failing_world() -> list[str]:
    """Return the command that runs a world which fails without blind time; asked only under that sabotage."""
    seed = next(seed for seed in WORLDS if not run_random_world(seed, 2.0).passed)
    return ["simulate", "--random", "1", "--hours", "2", "--seed", str(seed)]


def test_a_failed_world_can_be_run_again_from_what_was_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_blind_time(monkeypatch)
    kept = ["--keep", str(tmp_path), "--shrink-for", "0s"]

    answer = CliRunner().invoke(cli, [*a_failing_world(), *kept])
    first = next(line for line in answer.stdout.splitlines() if line.startswith("FAIL"))
    again = first.split("again: livewatch ")[1].rstrip(")").split()

    assert answer.exit_code == 1
    assert CliRunner().invoke(cli, [*again, *kept]).exit_code == 1


def test_a_failed_world_is_kept_as_a_small_file_that_fails_until_the_fault_is_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        without_blind_time(patch)
        answer = CliRunner().invoke(cli, [*a_failing_world(), "--keep", str(tmp_path), "--json"])
        failed = json.loads(answer.stdout)["failures"][0]
        replay = failed["replay"].split()[1:]

        assert answer.exit_code == 1
        assert CliRunner().invoke(cli, replay).exit_code == 1
    assert Path(failed["scenario"]).read_text(encoding="utf-8").count("[[script]]") <= 4
    assert CliRunner().invoke(cli, replay).exit_code == 0


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_blind_time(monkeypatch)
    (tmp_path / "file").touch()

    kept = ["--keep", str(tmp_path / "file"), "--shrink-for", "0s"]
    answer = CliRunner().invoke(cli, [*a_failing_world(), *kept])

    assert answer.exit_code == 2
    assert "choose a folder with --keep" in answer.stderr


@pytest.mark.parametrize(("wish", "code"), [(["--endless"], 0), (["--random", "9"], 130)])
def test_whoever_stops_it_is_told_what_there_was_so_far(
    wish: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped_after_two(seeds: Iterable[int], hours: float, _jobs: int) -> Iterator[WorldResult]:
        yield from (soak.run_world(hours, seed) for seed in islice(seeds, 2))
        raise KeyboardInterrupt

    monkeypatch.setattr(soak, "run_worlds", stopped_after_two)
    answer = CliRunner().invoke(cli, ["simulate", *wish, "--hours", "1", "--seed", "3", "--json"])

    assert answer.exit_code == code
    assert json.loads(answer.stdout)["worlds"] == 2
