"""The kinds of panel that the dashboards are made of; each needs a title, what a bad picture means, and a unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from boards import style

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24
BAR = "1m"
"""Least time that one bar stands for: at least three scrapes, or Grafana makes the rate interval longer than a bar."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """What every panel says about itself."""

    title: str
    description: str
    unit: str = "short"
    width: int = 12
    height: int = 8


def timeline(
    face: Face, *queries: Query, colours: Mapping[str, str] | None = None, lines: tuple[str, ...] = ()
) -> timeseries.Panel:
    """Return lines over time; legends that match ``lines`` are limits and drawn dashed."""
    panel = _series(face, queries, colours or {}).line_width(2).fill_opacity(8)
    for pattern in lines:
        panel.override_by_regexp(
            pattern,
            [
                dashboard.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 6]}),
                dashboard.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
                dashboard.DynamicConfigValue(id_val="custom.lineWidth", value=1),
            ],
        )
    return panel


def bars(face: Face, *queries: Query, colours: Mapping[str, str] | None = None) -> timeseries.Panel:
    """Return stacked bars over time: one bar for what happened within one interval.

    The queries count over ``$__rate_interval``, which is a bar and one scrape longer: each event lies between two
    scrapes of exactly one bar. With bars as short as a scrape it would be drawn in four of them.
    """
    stacked = common_builders.StackingConfig().mode(common.StackingMode.NORMAL)
    return (
        _series(face, queries, colours or {})
        .interval(BAR)
        .decimals(0)
        .draw_style(common.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .line_width(1)
        .stacking(stacked)
    )


def number(face: Face, *queries: Query, limits: style.Steps, words: Mapping[str, str] | None = None) -> stat.Panel:
    """Return one or more large numbers on a coloured ground; ``words`` replace numbers, with a colour each."""
    panel = (
        stat.Panel()
        .title(face.title)
        .description(face.description)
        .datasource(SOURCE)
        .span(face.width)
        .height(face.height)
        .unit(face.unit)
        .decimals(0 if face.unit == "short" else 1)  # increase() extrapolates: five repairs are 5.1 of them
        .thresholds(style.steps(*limits))
        .color_scheme(style.by_thresholds())
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.AUTO)
        .reduce_options(style.last_value())
        .no_value("0")
        .targets([_target(query, place, instant=True) for place, query in enumerate(queries)])
    )
    for legend, colour in (words or {}).items():
        panel.override_by_name(
            legend,
            [
                dashboard.DynamicConfigValue(
                    id_val="thresholds",
                    value={
                        "mode": "absolute",
                        "steps": [{"value": None, "color": style.GREEN}, {"value": 1, "color": colour}],
                    },
                )
            ],
        )
    return panel


def states(face: Face, query: Query, named: tuple[tuple[str, str], ...]) -> statetimeline.Panel:
    """Return coloured bands over time; the query gives the place of a word in ``named``."""
    return (
        statetimeline.Panel()
        .title(face.title)
        .description(face.description)
        .datasource(SOURCE)
        .span(face.width)
        .height(face.height)
        .unit(face.unit)
        .mappings(style.words(named))
        .color_scheme(style.by_thresholds())
        .thresholds(style.steps((None, style.GREY)))
        .merge_values(merge_values=True)
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.85)
        .fill_opacity(85)
        .line_width(0)
        .targets([_target(query, 0)])
    )


def density(face: Face, expr: str) -> heatmap.Panel:
    """Return a heatmap of a histogram's buckets."""
    colour = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return (
        heatmap.Panel()
        .title(face.title)
        .description(face.description)
        .datasource(SOURCE)
        .span(face.width)
        .height(face.height)
        .unit("short")
        .color(colour)
        .y_axis(heatmap.YAxisConfig().unit(face.unit))
        .cell_gap(1)
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .targets(
            [
                prometheus.Dataquery()
                .expr(expr)
                .legend_format("{{le}}")
                .format(prometheus_models.PromQueryFormat.HEATMAP)
                .range()
                .datasource(SOURCE)
                .ref_id("A")
            ]
        )
    )


def _series(face: Face, queries: tuple[Query, ...], colours: Mapping[str, str]) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(face.title)
        .description(face.description)
        .datasource(SOURCE)
        .span(face.width)
        .height(face.height)
        .unit(face.unit)
        .min(0)
        .legend(style.legend_table())
        .tooltip(style.all_series())
        .show_points(common.VisibilityMode.NEVER)
        .targets([_target(query, place) for place, query in enumerate(queries)])
    )
    if face.unit == "percentunit":
        panel.max(1)
    if face.unit == "short":
        panel.decimals(0)
    for word, colour in colours.items():
        panel.override_by_regexp(f".*\\b{word}\\b.*", [style.fixed(colour)])
    return panel


def _target(query: Query, place: int, *, instant: bool = False) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery()
        .expr(query.expr)
        .legend_format(query.legend)
        .datasource(SOURCE)
        .ref_id(chr(ord("A") + place))
    )
    if query.exemplars:
        target.exemplar(exemplar=True)
    return target.instant() if instant else target.range()
