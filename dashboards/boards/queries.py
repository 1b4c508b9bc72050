"""PromQL made from the metric catalogue: a name, label or value that is not catalogued cannot be written."""

from collections.abc import Sequence

from livewatch_exporters.metric_spec import TARGET, Attribute, Instrument, MetricSpec

RATE = "$__rate_interval"
RANGE = "$__range"
AGENT_LABELS = 'job=~"$job",instance=~"$instance"'


def eq(attribute: Attribute, value: str) -> str:
    """Return a matcher for one value."""
    return f'{attribute.label}="{_known(attribute, value)}"'


def ne(attribute: Attribute, value: str) -> str:
    """Return a matcher for every other value."""
    return f'{attribute.label}!="{_known(attribute, value)}"'


def one_of(attribute: Attribute, *values: str) -> str:
    """Return a matcher for any of the values."""
    return f'{attribute.label}=~"{"|".join(_known(attribute, value) for value in values)}"'


def failed(attribute: Attribute) -> str:
    """Return a matcher for points that have an optional attribute."""
    if not attribute.optional:
        raise ValueError(f"{attribute.name} is always present")
    return f'{attribute.label}!=""'


def series(spec: MetricSpec, *matchers: str, part: str = "") -> str:
    """Return a selector that obeys the dashboard's variables; ``part`` is a histogram's ``_bucket`` or ``_count``."""
    if spec.prometheus_name + part not in spec.series_names:
        raise ValueError(f"{spec.prometheus_name}{part} is not among {', '.join(spec.series_names)}")
    variables = [AGENT_LABELS] + ([f'{TARGET.label}=~"$target"'] if TARGET in spec.attributes else [])
    return f"{spec.prometheus_name}{part}{{{','.join([*variables, *matchers])}}}"


def rate(spec: MetricSpec, *matchers: str, part: str = "") -> str:
    """Return the increase per second."""
    return f"rate({_counted(spec, *matchers, part=part)}[{RATE}])"


def increase(spec: MetricSpec, *matchers: str, part: str = "", over: str = RATE) -> str:
    """Return the increase over the rate interval, or over another range."""
    return f"increase({_counted(spec, *matchers, part=part)}[{over}])"


def total(expr: str, *by: Attribute | str) -> str:
    """Return the sum by attributes."""
    return f"sum by ({labels(by)}) ({expr})" if by else f"sum({expr})"


def largest(expr: str, *by: Attribute | str) -> str:
    """Return the maximum by attributes."""
    return f"max by ({labels(by)}) ({expr})" if by else f"max({expr})"


def share(expr: str) -> str:
    """Return a share of time, at most 1: reasons that hold at once are not twice the time."""
    return f"clamp_max({expr}, 1)"


def smallest(expr: str, *by: Attribute | str) -> str:
    """Return the minimum by attributes."""
    return f"min by ({labels(by)}) ({expr})" if by else f"min({expr})"


def quantile(q: float, spec: MetricSpec, *matchers: str, by: Sequence[Attribute | str] = ()) -> str:
    """Return a quantile of a histogram over the rate interval."""
    return f"histogram_quantile({q:g}, {total(rate(spec, *matchers, part='_bucket'), 'le', *by)})"


def legend(*attributes: Attribute | str, text: str = "") -> str:
    """Return a legend that shows attributes, and then a word."""
    shown = " ".join(f"{{{{{labels([attribute])}}}}}" for attribute in attributes)
    return f"{shown} {text}".strip()


def labels(attributes: Sequence[Attribute | str]) -> str:
    """Return the Prometheus labels of attributes; ``le``, ``job`` and ``instance`` are given as they are."""
    return ", ".join(a if isinstance(a, str) else a.label for a in attributes)


def _counted(spec: MetricSpec, *matchers: str, part: str) -> str:
    if spec.instrument not in (Instrument.COUNTER, Instrument.HISTOGRAM):
        raise ValueError(f"{spec.name} is a gauge; it has no rate")
    return series(spec, *matchers, part=part)


def _known(attribute: Attribute, value: str) -> str:
    if attribute.values is not None and value not in attribute.values:
        raise ValueError(f"{value!r} is not a value of {attribute.name}")
    return str(value)
