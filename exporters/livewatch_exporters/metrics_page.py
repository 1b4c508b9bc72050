"""``docs/METRICS.md`` from the catalogue: ``python -m livewatch_exporters.metrics_page > docs/METRICS.md``."""

import sys
from collections.abc import Mapping

from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.metric_spec import Attribute, MetricSpec

_HEAD = """# Metrics

Generated from the metric catalogue by `python -m livewatch_exporters.metrics_page > docs/METRICS.md`; do not edit.

One OpenTelemetry meter feeds OTLP and the Prometheus endpoint. Durations are in seconds. No session key, run id or
path is ever an attribute; `livewatch.target.name` is the configured name of the gateway, and every other attribute has
only the values listed here. In Prometheus an attribute's label is its name with `_` for each dot. Observable metrics
are read when they are collected, so what is gone disappears. OTLP carries the first name; Prometheus appends the unit
and, to counters, `_total`.
"""
_COST = """One gateway costs at most {most} Prometheus series, whatever its sessions do.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    most = sum(spec.series_max for spec in CATALOGUE)
    return "\n".join([_HEAD, _COST.format(most=most), *(_section(spec) for spec in CATALOGUE)])


def _section(spec: MetricSpec) -> str:
    lines = [
        f"## `{spec.name}`",
        "",
        spec.description,
        "",
        f"- Prometheus: `{spec.prometheus_name}`",
        f"- {spec.instrument.value}, unit `{spec.unit}`",
    ]
    lines += [f"- `{attribute.name}`: {_values(attribute)}" for attribute in spec.attributes]
    if spec.pairs is not None:
        lines.append(f"- only these together: {_pairs(spec.pairs)}")
    if spec.buckets is not None:
        lines.append(f"- buckets: {', '.join(f'{bound:g}' for bound in spec.buckets)}")
    return "\n".join([*lines, ""])


def _values(attribute: Attribute) -> str:
    if attribute.values is None:
        return "the configured name"
    values = ", ".join(f"`{value}`" for value in attribute.values)
    return f"{values}; absent when nothing failed" if attribute.optional else values


def _pairs(pairs: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(
        f"`{first}` with {', '.join(f'`{value}`' if value else 'none' for value in seconds)}"
        for first, seconds in pairs.items()
    )


if __name__ == "__main__":
    sys.stdout.write(page())
