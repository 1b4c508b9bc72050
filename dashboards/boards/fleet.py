"""Fleet: who is sick, since when, and what is being done, for all gateways at a glance."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table, timeseries

from boards import frame, parts, style, tables
from boards import panels as p
from boards import queries as q
from livewatch_classifiers.vocabulary import Attention
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.metric_spec import TARGET

UID = "livewatch-fleet"
_TO_GATEWAY = (
    "/d/livewatch-gateway?var-datasource=${datasource}&var-job=${job:queryparam}&var-target=${__data.fields[0]}"
    "&from=${__from}&to=${__to}"
)


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    board = frame.new(
        UID, "Fleet", "Is anything wrong with any gateway, since when, and is it being repaired?", "now-1h"
    )
    frame.show(board, _down(), parts.sessions_now(6), _waiting(), _repairs(), _in_vain(), _exhausted())
    frame.show(board, _gateways())
    frame.show(board, parts.gateway_states(12), parts.session_states(12))
    board.with_row(builders.Row("What is being done about it"))
    frame.show(board, parts.actions_by_outcome(12), _sick_for())
    frame.show(board, _users(), _degraded())
    return board


def _down() -> stat.Panel:
    return p.number(
        p.Face(
            "Gateways",
            "Gateways whose process livewatch can read, and those that it cannot. Any red: the process ended, or "
            "livewatch lost its board; nobody is served there.",
            width=4,
            height=4,
        ),
        p.Query(q.total(q.series(c.TARGET_UP)), "up"),
        p.Query(q.total(f"1 - {q.series(c.TARGET_UP)}"), "down"),
        limits=((None, style.GREEN),),
        words={"down": style.RED},
    )


def _waiting() -> stat.Panel:
    return p.number(
        p.Face(
            "Oldest unanswered turn",
            "Age of the oldest message that waits for its turn, anywhere: what a user feels. Minutes are a backlog; "
            "more than that, while gateways look well, is the silent death that livewatch exists to find.",
            "s",
            width=4,
            height=4,
        ),
        p.Query(q.largest(q.series(c.QUEUE_OLDEST_AGE)), "oldest"),
        limits=((None, style.GREEN), (60, style.YELLOW), (300, style.RED)),
    )


def _repairs() -> stat.Panel:
    return p.number(
        p.Face(
            "Repairs",
            "Actions taken in the chosen time. None while sessions are stuck: a gate holds them; the Recovery "
            "dashboard says which. Many, for the same few sessions: the cause is elsewhere.",
            width=4,
            height=4,
        ),
        p.Query(q.total(parts.acted()), "taken"),
        limits=((None, style.GREY), (0.5, style.BLUE)),
    )


def _in_vain() -> stat.Panel:
    return p.number(
        p.Face(
            "Failed recoveries",
            "Actions in the chosen time that did nothing, failed, were refused or were not answered. More than a few: "
            "the repair does not fit the fault, and a person is needed.",
            width=3,
            height=4,
        ),
        p.Query(q.total(parts.in_vain()), "in vain"),
        limits=((None, style.GREEN), (0.5, style.ORANGE), (2.5, style.RED)),
    )


def _exhausted() -> stat.Panel:
    return p.number(
        p.Face(
            "Recovery budget left",
            "The smallest number of repairs that any livewatch may still make in its window. At 0 it only reports, "
            "and whatever breaks stays broken until the window moves on.",
            width=3,
            height=4,
        ),
        p.Query(q.smallest(q.series(c.RECOVERY_BUDGET_REMAINING)), "left"),
        limits=((None, style.RED), (1, style.YELLOW), (3, style.GREEN)),
    )


def _gateways() -> table.Panel:
    by = TARGET
    return tables.rows(
        p.Face(
            "Gateways, the sickest first",
            "One row per gateway: its own state, its sick sessions, for how long the worst one has made no progress, "
            "how long users wait, and what was done. A name opens the gateway.",
            width=24,
            height=8,
        ),
        tables.Keys({TARGET.label: "Gateway"}, ("Open this gateway", _TO_GATEWAY)),
        (
            tables.Column("State", parts.state_number(), words=style.STATES),
            tables.Column("Worst session", parts.worst_label(), words=style.SEVERITIES),
            tables.Column("Stuck", q.total(parts.needing_attention(Attention.STUCK), by), limits=_red()),
            tables.Column("Stalled", q.total(parts.needing_attention(Attention.STALLED), by), limits=_orange()),
            tables.Column("Long running", q.total(parts.needing_attention(Attention.LONG_RUNNING), by)),
            tables.Column("Sick for", q.largest(parts.sick_for(), by), "s"),
            tables.Column("Oldest turn", q.largest(q.series(c.QUEUE_OLDEST_AGE), by), "s", _waits()),
            tables.Column("Repairs", q.total(parts.acted(), by)),
            tables.Column("In vain", q.total(parts.in_vain(), by), limits=_orange()),
            tables.Column("Recovery budget left", q.smallest(q.series(c.RECOVERY_BUDGET_REMAINING), by)),
            tables.Column("Restarts", q.total(q.increase(c.TARGET_RESTARTS, over=q.RANGE), by)),
            tables.Column("Up since", q.largest(q.series(c.TARGET_UPTIME), by), "s"),
        ),
        worst="Worst session",
    )


def _red() -> style.Steps:
    return ((None, "transparent"), (0.5, style.RED))


def _orange() -> style.Steps:
    return ((None, "transparent"), (0.5, style.ORANGE))


def _waits() -> style.Steps:
    return ((None, "transparent"), (60, style.YELLOW), (300, style.RED))


def _sick_for() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Longest time without progress, stalled or stuck",
            "For each gateway, how long its worst stalled or stuck session has made no progress. It should fall back "
            "soon after it rose; a line that keeps rising is a session that nobody repairs.",
            "s",
        ),
        p.Query(q.largest(parts.sick_for(), TARGET, a.ATTENTION), q.legend(TARGET, a.ATTENTION)),
        colours=style.ATTENTION,
    )


def _users() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Oldest unanswered turn of each gateway",
            "How long the oldest message has waited. High on one gateway: look there. High on all at once: the model's "
            "provider or the host, not the sessions.",
            "s",
        ),
        p.Query(q.largest(q.series(c.QUEUE_OLDEST_AGE), TARGET), q.legend(TARGET)),
    )


def _degraded() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Degraded share of time by gateway",
            "For each gateway, the share of time spent beyond a threshold or away, "
            "all reasons together. Under it, silence of sessions is no evidence against them.",
            "percentunit",
        ),
        p.Query(q.share(q.total(q.rate(c.LIVENESS_DEGRADED_TIME), TARGET)), q.legend(TARGET)),
    )
