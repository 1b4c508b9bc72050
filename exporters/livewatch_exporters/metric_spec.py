"""What one metric is: everything from which instruments, documentation and the names in dashboards are derived."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import prod

OTHER = "_OTHER"
"""Stands in for every attribute value that is not in the closed set."""
OWN_PREFIX = "livewatch."
"""What every name of ours begins with, unless the operator chose another prefix."""
_SUFFIXES = {"s": "_seconds", "By": "_bytes", "ms": "_milliseconds"}


class Instrument(StrEnum):
    """The kind of an OpenTelemetry instrument."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "observable gauge"
    UP_DOWN_COUNTER = "observable up-down counter"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute and the values that it may have."""

    name: str
    values: tuple[str, ...] | None = None
    """``None`` only for the configured name of the gateway, which the operator chooses."""
    optional: bool = False
    """Whether it may be absent, which is told by an empty value: an ``error.type`` stands only on what failed."""

    @property
    def label(self) -> str:
        """The Prometheus label."""
        return self.name.replace(".", "_")

    @property
    def states(self) -> int:
        """How many different things it can say."""
        return 1 if self.values is None else len(self.values) + self.optional

    def close(self, value: str) -> str:
        """Return ``value`` if it is in the closed set, else `OTHER`."""
        return value if self.values is None or value in self.values else OTHER


TARGET = Attribute("livewatch.target.name")


@dataclass(frozen=True, slots=True, eq=False)
class MetricSpec:
    """One metric. Names are OpenTelemetry's; `prometheus_name` is what a scrape and PromQL see."""

    name: str
    instrument: Instrument
    unit: str
    """UCUM: ``s``, ``By`` or an annotation such as ``{session}``; never ``1``, which gets two names in Prometheus."""
    description: str
    attributes: tuple[Attribute, ...] = ()
    buckets: Sequence[float] | None = None
    """Upper bounds of an explicit histogram, in the metric's unit."""
    pairs: Mapping[str, tuple[str, ...]] | None = None
    """For two attributes besides the target's that depend on each other: by the first value, those of the second."""

    def close(self, values: Sequence[str]) -> dict[str, str]:
        """Return the attributes of one point, closed; ``values`` in the order of the spec's attributes."""
        told = {
            attribute.name: attribute.close(value)
            for attribute, value in zip(self.attributes, values, strict=True)
            if value or not attribute.optional
        }
        if self.pairs is not None:
            first, second = self.attributes[-2:]
            if told.get(second.name, "") not in self.pairs.get(told[first.name], ()):
                told |= {first.name: OTHER, second.name: OTHER}
        return told

    def every_point(self, target: str) -> Iterator[tuple[str, ...]]:
        """Yield the values of every point that one gateway can have, but for what is not catalogued."""
        if self.pairs is not None:
            head = (target,) if TARGET in self.attributes else ()
            yield from ((*head, first, second) for first, seconds in self.pairs.items() for second in seconds)
            return
        yield from product(*((target,) if a.values is None else a.values for a in self.attributes))

    @property
    def points_max(self) -> int:
        """How many points one gateway can have at most."""
        if self.pairs is not None:
            return sum(len(seconds) for seconds in self.pairs.values()) + 1
        return prod(attribute.states for attribute in self.attributes)

    @property
    def series_max(self) -> int:
        """How many Prometheus series one gateway can have at most."""
        parts = 1 if self.buckets is None else len(self.buckets) + 3  # +Inf, sum and count
        return self.points_max * parts

    @property
    def prometheus_name(self) -> str:
        """The metric's name after the translation to Prometheus; a histogram's series append to it."""
        base = self.name.replace(".", "_")
        suffix = _SUFFIXES.get(self.unit, "")
        named = base if not suffix or base.endswith(suffix) else base + suffix
        return named + "_total" if self.instrument is Instrument.COUNTER else named

    @property
    def series_names(self) -> tuple[str, ...]:
        """Every name under which a scrape shows this metric."""
        if self.instrument is Instrument.HISTOGRAM:
            return tuple(self.prometheus_name + part for part in ("_bucket", "_count", "_sum"))
        return (self.prometheus_name,)
