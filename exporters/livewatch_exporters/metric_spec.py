"""What one metric is: everything from which instruments, documentation and the names in dashboards are derived."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

OTHER = "_OTHER"
"""Stands in for every attribute value that is not in the closed set."""
_SUFFIXES = {"s": "_seconds", "By": "_bytes"}


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

    @property
    def label(self) -> str:
        """The Prometheus label."""
        return self.name.replace(".", "_")

    def close(self, value: str) -> str:
        """Return ``value`` if it is in the closed set, else `OTHER`."""
        return value if self.values is None or value in self.values else OTHER


TARGET = Attribute("livewatch.target.name")


@dataclass(frozen=True, slots=True)
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
