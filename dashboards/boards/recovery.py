"""Recovery: what was tried, did it work, and what would make livewatch act."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table, timeseries

from boards import frame, parts, style, tables
from boards import panels as p
from boards import queries as q
from livewatch_classifiers.vocabulary import Gate, Outcome
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.metric_spec import TARGET

UID = "livewatch-recovery"


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    board = frame.new(UID, "Recovery", "What was tried, did it work, and what would make livewatch act?")
    frame.show(board, parts.sessions_now(6), _actions(), _share(), _left(), _backoff(), _held(), _lease())
    frame.show(board, parts.actions_by_outcome(12), _why_not(), _time_to_recover(), _ended())
    board.with_row(builders.Row("Budget, back-off and gates"))
    frame.show(
        board, _budget(), _backoff_time(), _gates(), _duration(), _shadow(), _agreement(), parts.session_states(12)
    )
    return board


def _small(title: str, description: str, unit: str = "short") -> p.Face:
    return p.Face(title, description, unit, width=3, height=4)


def _actions() -> stat.Panel:
    return p.number(
        _small("Actions", "Actions taken in the chosen time. None while sessions are sick: see why not acted."),
        p.Query(q.total(parts.acted()), "taken"),
        limits=((None, style.GREY), (0.5, style.BLUE)),
    )


def _share() -> stat.Panel:
    worked = q.increase(c.RECOVERY_COMPLETED, q.one_of(a.OUTCOME, Outcome.RECOVERED, Outcome.SUPERSEDED), over=q.RANGE)
    every = q.increase(c.RECOVERY_COMPLETED, over=q.RANGE)
    return p.number(
        _small(
            "Success rate",
            "Share of actions after which the session was well. Below a half, livewatch does more harm than good: "
            "hold it and look.",
            "percentunit",
        ),
        p.Query(f"{q.total(worked)} / ({q.total(every)} > 0)", "share"),
        limits=((None, style.RED), (0.5, style.ORANGE), (0.8, style.GREEN)),
    ).no_value("none yet")


def _left() -> stat.Panel:
    return p.number(
        _small("Recovery budget left", "Repairs that may still be made in the window. 0: livewatch only reports."),
        p.Query(q.smallest(q.series(c.RECOVERY_BUDGET_REMAINING)), "left"),
        limits=((None, style.RED), (1, style.YELLOW), (3, style.GREEN)),
    )


def _backoff() -> stat.Panel:
    return p.number(
        _small(
            "Longest back-off", "Longest wait until a session may be repaired again. Long: repairs did not last.", "s"
        ),
        p.Query(q.largest(q.series(c.RECOVERY_BACKOFF)), "wait"),
        limits=((None, style.GREEN), (60, style.YELLOW), (900, style.ORANGE)),
    )


def _held() -> stat.Panel:
    return p.number(
        _small(
            "Overdue holds",
            "Actions that a gate held so long that a person was told. Each needs somebody to look.",
        ),
        p.Query(q.total(q.increase(c.RECOVERY_HELD, over=q.RANGE)), "held"),
        limits=((None, style.GREEN), (0.5, style.RED)),
    )


def _lease() -> stat.Panel:
    return p.number(
        _small(
            "Holds the lease",
            "Gateways on which this livewatch may act. 0 on every instance of a gateway: nobody repairs it.",
        ),
        p.Query(q.total(q.series(c.RECOVERY_LEASE)), "gateways"),
        limits=((None, style.ORANGE), (1, style.GREEN)),
    )


def _why_not() -> table.Panel:
    decided = f"{q.total(q.increase(c.RECOVERY_DECISIONS, over=q.RANGE), TARGET, a.ACTION, a.GATE)} > 0"
    return tables.rows(
        p.Face(
            "Recovery decisions by gate",
            "Decisions in the chosen time: gate none is an action taken, every other gate one that was held, counted "
            "when the hold began. mode, budget, quarantine and operator_hold are for a person to change; confirmed, "
            "responsive and the graces open by themselves.",
        ),
        tables.Keys({TARGET.label: "Gateway", a.ACTION.label: "Action", a.GATE.label: "Gate"}),
        (tables.Column("Decisions", decided),),
        worst="Decisions",
    )


def _time_to_recover() -> timeseries.Panel:
    spec, by, sick = c.SESSION_ATTENTION_DURATION, (a.RESOLUTION,), q.one_of(a.SICK, *parts.SICK)
    return p.timeline(
        p.Face(
            "Stalled or stuck duration by resolution",
            "Median and 90th percentile. recovered should be close to the abort limit; self far above it is work that "
            "was nearly lost; target_restart is a repair that somebody else made.",
            "s",
        ),
        p.Query(q.quantile(0.9, spec, sick, by=by), q.legend(*by, text="p90")),
        p.Query(q.quantile(0.5, spec, sick, by=by), q.legend(*by, text="p50")),
    )


def _ended() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Resolutions by type",
            "For each session that was stalled or stuck: recovered is livewatch's work, self came back alone, gone and "
            "target_restart took the session with them.",
        ),
        p.Query(
            q.total(
                q.increase(c.SESSION_ATTENTION_DURATION, q.one_of(a.SICK, *parts.SICK), part="_count"), a.RESOLUTION
            ),
            q.legend(a.RESOLUTION),
        ),
        colours={"recovered": style.GREEN, "self": style.BLUE, "target_restart": style.ORANGE, "gone": style.PURPLE},
    )


def _budget() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Recovery budget left",
            "The budget falls with each action and rises as the window moves on. A line at 0 is an outage that "
            "livewatch no longer fights, on purpose.",
        ),
        p.Query(q.smallest(q.series(c.RECOVERY_BUDGET_REMAINING), TARGET), q.legend(TARGET)),
    )


def _backoff_time() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Longest back-off",
            "Falls as time passes, and doubles with each repair that did not last. Ever higher teeth: the same session "
            "breaks again.",
            "s",
        ),
        p.Query(q.largest(q.series(c.RECOVERY_BACKOFF), TARGET), q.legend(TARGET)),
    )


def _gates() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Blocked actions by gate",
            "Which gate held actions over time. blast_radius is an outage of the provider or the host; single_actor "
            "means that another livewatch acts.",
        ),
        p.Query(
            q.total(q.increase(c.RECOVERY_DECISIONS, q.ne(a.GATE, Gate.NONE)), a.GATE),
            q.legend(a.GATE),
        ),
    )


def _shadow() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Disagreements of the shadow policy",
            "Counted when they begin. shadow_acts: it would have acted where the policy in force had not; "
            "shadow_waits: the other way round. `livewatch status --json` lists them. None without a shadow.",
        ),
        p.Query(q.total(q.increase(c.SHADOW_DISAGREEMENTS), a.DISAGREEMENT), q.legend(a.DISAGREEMENT)),
    )


def _agreement() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "The gateway's own verdicts",
            "Verdicts of the gateway's own detector. other: nothing had that label here at that moment. None where the "
            "gateway has no detector, or livewatch cannot hear it.",
        ),
        p.Query(q.total(q.increase(c.GATEWAY_VERDICTS), a.SICK, a.AGREEMENT), q.legend(a.SICK, a.AGREEMENT)),
    )


def _duration() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Action to verified outcome, 90th percentile",
            "How long until the effect of an action was seen. Near the verification time: effects are slow or missing.",
            "s",
        ),
        p.Query(q.quantile(0.9, c.RECOVERY_DURATION, by=(a.ACTION,)), q.legend(a.ACTION)),
    )
