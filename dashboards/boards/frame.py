"""What all dashboards share: variables, annotations, links, time."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import dashboard as models

from boards import queries as q
from boards import style
from boards.panels import SOURCE
from livewatch_classifiers.vocabulary import Gate
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.metric_spec import TARGET

TAG = "livewatch"
_UP = c.TARGET_UP.prometheus_name


def new(uid: str, title: str, description: str, since: str = "now-3h") -> builders.Dashboard:
    """Return an empty dashboard with everything but its panels."""
    frame = (
        builders.Dashboard(f"livewatch / {title}")
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time(since, "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .version(1)
        .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_variable("job", "Job", f"{_UP}, job"))
        .with_variable(_variable("instance", "Instance", f'{_UP}{{job=~"$job"}}, instance'))
        .with_variable(_variable("target", "Gateway", f"{_UP}{{{q.AGENT_LABELS}}}, {TARGET.label}"))
        .link(
            builders.DashboardLink("livewatch dashboards")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
    )
    for annotation in _annotations():
        frame.annotation(annotation)
    return frame


def show(board: builders.Dashboard, *panels: cogbuilder.Builder[models.Panel]) -> None:
    """Add panels from left to right, row by row."""
    for panel in panels:
        board.with_panel(panel)


def _variable(name: str, label: str, values: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": f"label_values({values})", "refId": name})
        .definition(f"label_values({values})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".+")
        .current(models.VariableOption(text="All", value="$__all"))
    )


def _annotations() -> list[builders.AnnotationQuery]:
    acted = q.increase(c.RECOVERY_DECISIONS, q.eq(a.GATE, Gate.NONE))
    return [
        _annotation(
            "Gateway restarts",
            style.RED,
            f"{q.total(q.increase(c.TARGET_RESTARTS), TARGET, a.INITIATOR)} > 0",
            "{{livewatch_target_name}} restarted, begun by {{livewatch_restart_initiator}}",
        ),
        _annotation(
            "Recovery actions",
            style.BLUE,
            f"{q.total(acted, TARGET, a.ACTION)} > 0",
            "{{livewatch_recovery_action}} on {{livewatch_target_name}}",
        ),
        _annotation(
            "Configuration reloads",
            style.PURPLE,
            f"{q.total(q.increase(c.CONFIG_RELOADS), 'instance', a.RELOAD)} > 0",
            "livewatch {{instance}}: configuration {{livewatch_config_outcome}}",
        ),
    ]


def _annotation(name: str, colour: str, expr: str, title: str) -> builders.AnnotationQuery:
    target = prometheus.Dataquery().expr(expr).range().ref_id("Anno")  # its data source is the annotation's
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color(colour)
        .expr(expr)
        .title_format(title)
        .step("30s")
        .target(target)
    )
