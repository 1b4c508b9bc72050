"""OpenTelemetry instruments made from the catalogue; every attribute value is closed on its way in."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from livewatch_exporters.metric_spec import Instrument, MetricSpec

Observe = Callable[[MetricSpec], Iterable[tuple[float, Mapping[str, str]]]]


class Instruments:
    """All instruments of one meter. `add` and `record` never block; observable ones ask ``observe`` when collected."""

    def __init__(self, meter: Meter, specs: Sequence[MetricSpec], observe: Observe) -> None:
        self._observe = observe
        self._counters = {
            s: meter.create_counter(s.name, s.unit, s.description) for s in specs if s.instrument is Instrument.COUNTER
        }
        self._histograms = {
            s: meter.create_histogram(s.name, s.unit, s.description, explicit_bucket_boundaries_advisory=s.buckets)
            for s in specs
            if s.instrument is Instrument.HISTOGRAM
        }
        for spec in specs:
            if spec.instrument is Instrument.GAUGE:
                meter.create_observable_gauge(spec.name, [self._callback(spec)], spec.unit, spec.description)
            elif spec.instrument is Instrument.UP_DOWN_COUNTER:
                meter.create_observable_up_down_counter(spec.name, [self._callback(spec)], spec.unit, spec.description)

    def add(self, spec: MetricSpec, amount: float, *values: str) -> None:
        """Add to a counter; ``values`` in the order of the spec's attributes."""
        self._counters[spec].add(amount, _attributes(spec, values))

    def record(self, spec: MetricSpec, amount: float, *values: str) -> None:
        """Record one measurement of a histogram; ``values`` in the order of the spec's attributes."""
        self._histograms[spec].record(amount, _attributes(spec, values))

    def _callback(self, spec: MetricSpec) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [
                Observation(value, {a.name: a.close(labels[a.name]) for a in spec.attributes})
                for value, labels in self._observe(spec)
            ]

        return observe


def _attributes(spec: MetricSpec, values: tuple[str, ...]) -> dict[str, str]:
    pairs = zip(spec.attributes, values, strict=True)
    return {attribute.name: attribute.close(value) for attribute, value in pairs}
