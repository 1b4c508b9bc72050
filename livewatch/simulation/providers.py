"""Model providers: when they are out, every call of theirs falls silent together."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Outage:
    """A provider that does not answer, from and until a moment of the scenario."""

    provider: str
    """Glob over provider names."""
    since_s: float
    until_s: float
    lost: bool = False
    """True: calls of this time never come back. False: they go on when the outage is over."""


class Providers:
    """What is known about outages."""

    def __init__(self) -> None:
        self._outages: list[Outage] = []

    def add(self, outage: Outage) -> None:
        """Note an outage that begins now."""
        self._outages.append(outage)

    def outage(self, provider: str, since_s: float, now_s: float) -> Outage | None:
        """Return the outage that meets a call which ran from ``since_s`` until now, if there is one."""
        for outage in self._outages:
            if not fnmatchcase(provider, outage.provider):
                continue
            met = outage.since_s < now_s and outage.until_s > since_s
            if met and (outage.lost or outage.until_s > now_s):
                return outage
        return None
