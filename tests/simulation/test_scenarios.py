"""Every scenario of the library passes."""

from pathlib import Path

import pytest

from livewatch.simulation.report import failure_lines
from livewatch.simulation.runner import run_scenario, scenario_files
from livewatch.simulation.schema import load_scenario

LIBRARY = Path(__file__).parents[1] / "scenarios"


@pytest.mark.parametrize("path", scenario_files((LIBRARY,)), ids=lambda path: path.stem)
def test_a_real_report_ends_as_an_expert_wanted_and_nothing_healthy_is_touched(path: Path) -> None:
    run = run_scenario(load_scenario(path))

    assert run.passed, "\n".join(failure_lines(run))
