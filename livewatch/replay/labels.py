"""What two sides said about each session, as stretches of time in which they differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the recorded and the replayed word on one subject differed and stayed the same."""

    subject: str
    since_s: float
    """Unix time; likewise ``until_s``."""
    until_s: float
    recorded: str
    replayed: str


@dataclass(slots=True)
class Stretches:
    """Collects the stretches of one kind of word: labels, holds or the gateway's state."""

    found: list[Stretch] = field(default_factory=list[Stretch])
    _open: dict[str, Stretch] = field(default_factory=dict[str, Stretch])

    def add(self, wall_s: float, recorded: Mapping[str, str], replayed: Mapping[str, str]) -> None:
        """Take in what both sides say at one moment; a subject that one of them leaves out is told as ``-``."""
        differ = {
            subject: (recorded.get(subject, NOTHING), replayed.get(subject, NOTHING))
            for subject in recorded.keys() | replayed.keys()
            if recorded.get(subject) != replayed.get(subject)
        }
        for subject, stretch in list(self._open.items()):
            if differ.get(subject) != (stretch.recorded, stretch.replayed):
                self._close(subject, wall_s)
        for subject, (before, after) in differ.items():
            self._open.setdefault(subject, Stretch(subject, wall_s, wall_s, before, after))

    def finish(self, wall_s: float) -> list[Stretch]:
        """Close what is open, and return everything in order of time."""
        for subject in list(self._open):
            self._close(subject, wall_s)
        self.found.sort(key=lambda stretch: (stretch.since_s, stretch.subject))
        return self.found

    def _close(self, subject: str, wall_s: float) -> None:
        was = self._open.pop(subject)
        self.found.append(Stretch(subject, was.since_s, wall_s, was.recorded, was.replayed))
