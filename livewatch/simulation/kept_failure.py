"""A world in which something went wrong, cut down and kept as a file that goes wrong in the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from livewatch.agent import Agent
from livewatch.simulation.document import ScenarioError
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.scenario import Failure
from livewatch.simulation.schema import scenario_of
from livewatch.simulation.shrink import Shrinker, Size
from livewatch.simulation.toml_text import Raw, toml_text


@dataclass(frozen=True, slots=True)
class KeptFailure:
    """What was kept."""

    path: Path
    failure: Failure
    """How the kept scenario fails."""
    before: Size
    after: Size
    runs: int

    @property
    def command(self) -> str:
        """The command that runs it again."""
        return f"livewatch simulate {self.path}"


def keep_failure(
    path: Path,
    raw: Raw,
    failure: Failure,
    *,
    over: Callable[[], bool],
    progress: Callable[[Shrinker], None] = lambda _shrinker: None,
    agent_type: type[Agent] = Agent,
) -> KeptFailure:
    """Shrink a failing world until nothing can be left out or ``over`` says true, and write it to ``path``.

    Args:
        path: file to write; its folder is made if need be.
        raw: the world's tables.
        failure: what went wrong in it.
        over: asked before each run.
        progress: told after each run.
        agent_type: the agent under which it failed.

    Raises:
        OSError: when the file cannot be written.
    """

    def attempt(candidate: Raw) -> tuple[Failure, ...]:
        try:
            return run_scenario(scenario_of(path, candidate), agent_type=agent_type).failures
        except ScenarioError:
            return ()  # what was left out was needed by something else

    shrinker = Shrinker(raw, failure, attempt, over=over, progress=progress)
    smallest = shrinker.shrink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(toml_text(_titled(smallest, shrinker.failure)), encoding="utf-8")
    return KeptFailure(path, shrinker.failure, shrinker.before, shrinker.size, shrinker.runs)


def _titled(raw: Raw, failure: Failure) -> Raw:
    return {**raw, "title": f"{raw['title']}, cut down: {failure.what}", "note": failure.why}
