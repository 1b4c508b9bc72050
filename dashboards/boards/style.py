"""Colours and scales that mean the same on every dashboard."""

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common, dashboard

GREEN, BLUE, YELLOW, ORANGE, RED, PURPLE, GREY = "green", "blue", "yellow", "orange", "red", "purple", "#8e8e8e"
ATTENTION = {"long_running": BLUE, "stalled": ORANGE, "stuck": RED}
OUTCOMES = {
    "recovered": GREEN,
    "superseded": BLUE,
    "refused": YELLOW,
    "ineffective": ORANGE,
    "timed_out": ORANGE,
    "failed": RED,
}
STATES = (
    ("responsive", GREEN),
    ("starting", BLUE),
    ("draining", BLUE),
    ("degraded", YELLOW),
    ("saturated", ORANGE),
    ("suspended", PURPLE),
    ("unresponsive", RED),
    ("frozen", RED),
    ("gone", "dark-red"),
)
"""The gateway's labels from well to gone; their place in this list is their number in a timeline."""
SEVERITIES = (("well", GREEN), ("long running", BLUE), ("stalled", ORANGE), ("stuck", RED))
"""The worst label among a gateway's sessions; the place is the number."""

Steps = tuple[tuple[float | None, str], ...]


def steps(*limits: tuple[float | None, str]) -> builders.ThresholdsConfig:
    """Return thresholds; the first limit is ``None``."""
    made = [dashboard.Threshold(value=value, color=colour) for value, colour in limits]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(made)


def words(named: tuple[tuple[str, str], ...]) -> list[dashboard.ValueMapping]:
    """Return the mapping of numbers to coloured words, by their place."""
    options = {
        str(place): dashboard.ValueMappingResult(text=word, color=colour, index=place)
        for place, (word, colour) in enumerate(named)
    }
    return [dashboard.ValueMap(options=options)]


def fixed(colour: str) -> dashboard.DynamicConfigValue:
    """Return an override that gives a series one colour."""
    return dashboard.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})


def by_thresholds() -> builders.FieldColor:
    """Return the scheme that colours by thresholds."""
    return builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def last_value() -> common_builders.ReduceDataOptions:
    """Return the reduction to the newest value."""
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"])


def legend_table() -> common_builders.VizLegendOptions:
    """Return a legend below the panel with the newest and the largest value."""
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
        .show_legend(show_legend=True)
    )


def all_series() -> common_builders.VizTooltipOptions:
    """Return a tooltip that shows every series, the largest first."""
    return common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
