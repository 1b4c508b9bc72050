"""Tables: several instant queries joined into one row per gateway, or per pair of labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import prometheus, table
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models import prometheus as prometheus_models

from boards import style
from boards.panels import SOURCE, Face


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a query, its name and unit, and the limits that colour its cells."""

    name: str
    expr: str
    unit: str = "short"
    limits: style.Steps = ()
    words: tuple[tuple[str, str], ...] = ()
    """What the numbers mean, by their place."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The labels that make a row, with the names of their columns."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    link: tuple[str, str] | None = None
    """Title and URL behind the cells of the first label."""


def rows(face: Face, keys: Keys, columns: Sequence[Column], *, worst: str = "") -> table.Panel:
    """Return a table sorted by the column ``worst``, the largest first."""
    panel = (
        table.Panel()
        .title(face.title)
        .description(face.description)
        .datasource(SOURCE)
        .span(face.width)
        .height(face.height)
        .unit(face.unit)
        .thresholds(style.steps((None, "transparent")))
        .no_value("-")
        .targets([_target(column, place) for place, column in enumerate(columns)])
        .transformations(_one_row_each(keys, columns))
    )
    if worst:
        panel.sort_by([_sort(worst)])
    for column in columns:
        panel.override_by_name(column.name, _properties(column))
    if keys.link is not None:
        title, url = keys.link
        link = {"title": title, "url": url, "targetBlank": False}
        first = next(iter(keys.names.values()))
        panel.override_by_name(first, [dashboard.DynamicConfigValue(id_val="links", value=[link])])
    return panel


def _properties(column: Column) -> list[dashboard.DynamicConfigValue]:
    made = [dashboard.DynamicConfigValue(id_val="unit", value=column.unit)]
    if column.unit == "short":
        made.append(dashboard.DynamicConfigValue(id_val="decimals", value=0))
    coloured = {"type": "color-background", "mode": "basic"}
    if column.limits:
        steps = [{"value": value, "color": colour} for value, colour in column.limits]
        made += [
            dashboard.DynamicConfigValue(id_val="thresholds", value={"mode": "absolute", "steps": steps}),
            dashboard.DynamicConfigValue(id_val="custom.cellOptions", value=coloured),
        ]
    if column.words:
        made += [
            dashboard.DynamicConfigValue(id_val="mappings", value=[m.to_json() for m in style.words(column.words)]),
            dashboard.DynamicConfigValue(id_val="custom.cellOptions", value=coloured),
        ]
    return made


def _one_row_each(keys: Keys, columns: Sequence[Column]) -> list[dashboard.DataTransformerConfig]:
    shown = {f"Value #{chr(ord('A') + place)}": column.name for place, column in enumerate(columns)}
    order = {name: place for place, name in enumerate([*keys.names, *shown])}
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": keys.names | shown},
        ),
    ]


def _sort(name: str) -> common_builders.TableSortByFieldState:
    return common_builders.TableSortByFieldState().display_name(name).desc(desc=True)


def _target(column: Column, place: int) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(column.expr)
        .format(prometheus_models.PromQueryFormat.TABLE)
        .instant()
        .datasource(SOURCE)
        .ref_id(chr(ord("A") + place))
    )
