"""``livewatch metrics list``."""

import json
from fnmatch import fnmatchcase

import click

SCHEMA_VERSION = 1


@click.group("metrics")
def command() -> None:
    """Look up the metrics that livewatch exports; docs/METRICS.md says the same at length."""


@command.command("list")
@click.argument("pattern", default="*")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(pattern: str, *, as_json: bool) -> None:
    """List every metric, or those whose name matches a PATTERN, as Prometheus and OTLP know them.

    \b
    Example: livewatch metrics list '*recovery*'
    """
    from livewatch_exporters.catalogue import CATALOGUE

    found = [s for s in CATALOGUE if fnmatchcase(s.name, pattern) or fnmatchcase(s.prometheus_name, pattern)]
    if as_json:
        rows = [
            {
                "name": spec.name,
                "prometheus_name": spec.prometheus_name,
                "instrument": spec.instrument.value,
                "unit": spec.unit,
                "description": spec.description,
                "attributes": {attribute.name: attribute.values for attribute in spec.attributes},
            }
            for spec in found
        ]
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "ok": True, "metrics": rows}, indent=2))
        return
    if not found:
        click.echo(f"no metric matches {pattern!r}; `livewatch metrics list` prints all", err=True)
    for spec in found:
        attributes = ", ".join(attribute.name.removeprefix("livewatch.") for attribute in spec.attributes)
        click.echo(f"{spec.prometheus_name}  [{spec.instrument.value}, {spec.unit}]  {attributes}")
        click.echo(f"    {spec.description}")
