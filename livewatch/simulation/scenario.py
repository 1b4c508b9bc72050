"""A scenario: header, cast, script and expectations, as frozen facts read from one file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from livewatch.recovery.settings import Policy
from livewatch.simulation.record import Record
from livewatch.simulation.world import Cast, World
from livewatch_classifiers.thresholds import Thresholds

Effect = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the script: something happens at a moment, once or again and again."""

    at_s: float
    text: str
    """The line in words, for the timeline."""
    effect: Effect
    every_s: float | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation or invariant that did not hold."""

    what: str
    why: str
    at_s: float | None = None
    """Moment around which to look."""
    session: str | None = None
    kind: str = ""
    """What distinguishes it from other failures of the same sentence: the action, or what somebody died of."""

    @property
    def symptom(self) -> tuple[str, str]:
        """What two failures have in common that are the same in two worlds."""
        return self.what, self.kind


@dataclass(frozen=True, slots=True)
class Expectation:
    """One sentence of a scenario and how it is checked against the record of a run."""

    text: str
    check: Callable[[Record], Failure | None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file."""

    path: Path
    title: str
    sources: tuple[str, ...]
    incidents: tuple[str, ...]
    kinds: tuple[str, ...]
    note: str
    duration_s: float
    seed: int
    every_s: float
    coarse_s: float
    """Interval of the agent while everybody is well; 0 looks at every interval."""
    agents: int
    """How many watch the gateway; one of them acts."""
    remembers: bool
    """Whether a journal outlives the agent."""
    repair_within_s: float
    thresholds: Thresholds
    policy: Policy
    cast: Cast
    script: tuple[Entry, ...]
    expectations: tuple[Expectation, ...]

    @property
    def name(self) -> str:
        """Short name: the file's, without its ending."""
        return self.path.stem

    def world(self) -> World:
        """Return a fresh world in which the script will happen."""
        world = World(self.cast, self.seed)
        for entry in self.script:
            _plan(world, entry)
        return world


def _plan(world: World, entry: Entry) -> None:
    def happen(count: int) -> None:
        entry.effect(world)
        if entry.every_s is not None and (entry.times is None or count < entry.times):
            world.timeline.after(entry.every_s, lambda: happen(count + 1))

    world.timeline.at(entry.at_s, lambda: happen(1))
