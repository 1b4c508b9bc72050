"""Every scenario of the library passes, and random worlds break no invariant."""

from pathlib import Path

import pytest

from livewatch.simulation.random_worlds import run_random_world
from livewatch.simulation.report import failure_lines
from livewatch.simulation.runner import run_scenario, scenario_files
from livewatch.simulation.schema import load_scenario

LIBRARY = Path(__file__).parents[1] / "scenarios"


@pytest.mark.parametrize("path", scenario_files((LIBRARY,)), ids=lambda path: path.stem)
def test_a_real_report_ends_as_an_expert_wanted_and_nothing_healthy_is_touched(path: Path) -> None:
    run = run_scenario(load_scenario(path))

    assert run.passed, "\n".join(failure_lines(run))


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_random_world_breaks_no_invariant(seed: int) -> None:
    run = run_random_world(seed, 6.0)

    assert run.passed, "\n".join(failure_lines(run))
