"""OpenTelemetry instruments made from the catalogue; every attribute value is closed on its way in."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from livewatch_exporters.metric_spec import OWN_PREFIX, Instrument, MetricSpec

Observe = Callable[[MetricSpec], Iterable[tuple[float, Mapping[str, str]]]]


class Instruments:
    """All instruments of one meter. `add` and `record` never block; observable ones ask ``observe`` when collected."""

    def __init__(
        self, meter: Meter, specs: Sequence[MetricSpec], observe: Observe, *, prefix: str = OWN_PREFIX
    ) -> None:
        self._observe = observe
        self._counters: dict[MetricSpec, Counter] = {}
        self._histograms: dict[MetricSpec, Histogram] = {}
        for spec in specs:
            name = prefix + spec.name.removeprefix(OWN_PREFIX)
            if spec.instrument is Instrument.COUNTER:
                self._counters[spec] = meter.create_counter(name, spec.unit, spec.description)
            elif spec.instrument is Instrument.HISTOGRAM:
                self._histograms[spec] = meter.create_histogram(
                    name, spec.unit, spec.description, explicit_bucket_boundaries_advisory=spec.buckets
                )
            elif spec.instrument is Instrument.GAUGE:
                meter.create_observable_gauge(name, [self._callback(spec)], spec.unit, spec.description)
            else:
                meter.create_observable_up_down_counter(name, [self._callback(spec)], spec.unit, spec.description)

    def add(self, spec: MetricSpec, amount: float, *values: str) -> None:
        """Add to a counter; ``values`` in the order of the spec's attributes."""
        self._counters[spec].add(amount, spec.close(values))

    def record(self, spec: MetricSpec, amount: float, *values: str, context: Context | None = None) -> None:
        """Record one measurement of a histogram; ``values`` in the order of the spec's attributes.

        A ``context`` with a sampled span makes that trace an exemplar of the measurement.
        """
        self._histograms[spec].record(amount, spec.close(values), context)

    def _callback(self, spec: MetricSpec) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(value, spec.close([labels[a.name] for a in spec.attributes]))
                for value, labels in self._observe(spec)
            ]

        return observe
