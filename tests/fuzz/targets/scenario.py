"""Scenario files: only `ScenarioError` may come out of reading; what can be read can be run."""

from pathlib import Path
from random import Random
from typing import Any

from livewatch.simulation.document import ScenarioError
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.scenario import Scenario
from livewatch.simulation.schema import load_scenario
from tests.fuzz.target import Target
from tests.fuzz.targets.config import one_line

SCENARIOS = Path(__file__).parents[2] / "scenarios"
_SEEDS = 12
_TICKS_MAX = 300
_SESSIONS_MAX = 6


class ScenarioTarget(Target):
    """Reads, and runs what is short."""

    name = "scenario"
    tokens = (
        b"[sessions.x]\n",
        b"[[script]]\n",
        b"[[expect]]\n",
        b"[recovery]\n",
        b'do = "',
        b"turn = [{}]\n",
        b'at = "0s"\n',
    )
    cpu_s = 60.0
    brief = 250

    def seeds(self) -> list[bytes]:
        """Return some of the scenarios in the tree, shortened so that they can be run often."""
        files = sorted(SCENARIOS.rglob("*.toml"))
        chosen = Random(1).sample(files, _SEEDS)
        return [path.read_bytes() for path in chosen] + [
            path.read_bytes().replace(b'duration = "', b'duration = "30s"\n#"') for path in chosen
        ]

    def run(self, data: bytes) -> str:
        """Read it; run it where that is cheap."""
        path = self.folder / "scenario.toml"
        path.write_bytes(data)
        try:
            scenario = load_scenario(path)
        except ScenarioError as error:
            return one_line(error)
        if not _cheap(scenario):
            return "read"
        try:
            run = run_scenario(scenario)
        except ScenarioError as error:
            return one_line(error)
        return f"ran, {'passed' if run.passed else 'failed'}"


def _cheap(scenario: Scenario) -> bool:
    ticks: Any = scenario.duration_s / scenario.every_s if scenario.every_s > 0 else float("inf")
    return (
        ticks <= _TICKS_MAX and len(scenario.cast.sessions) <= _SESSIONS_MAX and scenario.duration_s <= 2 * _TICKS_MAX
    )
