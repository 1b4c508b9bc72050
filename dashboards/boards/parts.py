"""Expressions and panels that more than one dashboard shows."""

from grafana_foundation_sdk.builders import stat, statetimeline, timeseries

from boards import panels as p
from boards import queries as q
from boards import style
from livewatch_classifiers.vocabulary import Attention, Gate, Outcome
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.metric_spec import TARGET

USELESS = (Outcome.INEFFECTIVE, Outcome.REFUSED, Outcome.TIMED_OUT, Outcome.FAILED)
SICK = (Attention.STALLED, Attention.STUCK)


def state_number() -> str:
    """Return the place of each gateway's label in `style.STATES`."""
    terms = [f"{q.series(c.TARGET_STATE, q.eq(a.TARGET_STATE, state))} * {place}" for place, (state, _) in _numbered()]
    return q.largest(" or ".join(terms), TARGET)


def worst_label() -> str:
    """Return the place of the worst label among each gateway's sessions in `style.SEVERITIES`."""
    labels = [Attention.LONG_RUNNING, Attention.STALLED, Attention.STUCK]
    terms = [
        f"({q.series(c.SESSION_ACTIVE, q.eq(a.ATTENTION, label))} > bool 0) * {place}"
        for place, label in enumerate(labels, 1)
    ]
    return q.largest(" or ".join(terms), TARGET)


def needing_attention(*labels: Attention) -> str:
    """Return how many sessions have one of the labels now."""
    return q.series(c.SESSION_ACTIVE, q.one_of(a.ATTENTION, *labels))


def sick_for() -> str:
    """Return the longest time without progress among stalled and stuck sessions."""
    return q.series(c.SESSION_PROGRESS_AGE, q.one_of(a.ATTENTION, *SICK))


def acted(over: str = q.RANGE) -> str:
    """Return how many actions were taken."""
    return q.increase(c.RECOVERY_DECISIONS, q.eq(a.GATE, Gate.NONE), over=over)


def in_vain(over: str = q.RANGE) -> str:
    """Return how many actions did not help."""
    return q.increase(c.RECOVERY_COMPLETED, q.one_of(a.OUTCOME, *USELESS), over=over)


def sessions_now(width: int) -> stat.Panel:
    """Return the numbers of sessions that need attention."""
    return p.number(
        p.Face(
            "Sessions by classification",
            "Stuck is provably dead, stalled is silent too long, long running is slow but alive. Orange and red that "
            "stay mean that nobody answers somebody; `livewatch status` names the sessions.",
            width=width,
            height=4,
        ),
        p.Query(
            q.total(q.series(c.SESSION_ACTIVE, q.ne(a.ATTENTION, Attention.NONE)), a.ATTENTION), q.legend(a.ATTENTION)
        ),
        limits=((None, style.GREEN), (1, style.ORANGE)),
        words=style.ATTENTION,
    )


def gateway_states(width: int, height: int = 7) -> statetimeline.Panel:
    """Return each gateway's label over time."""
    return p.states(
        p.Face(
            "State of the gateways",
            "What livewatch says about each gateway as a whole. Red bands are times in which nothing could run "
            "(unresponsive: its loop stood still; frozen: its process did; gone: there was none), and in which no "
            "session was blamed for its silence.",
            width=width,
            height=height,
        ),
        p.Query(state_number(), q.legend(TARGET)),
        style.STATES,
    )


def session_states(width: int, height: int = 7) -> statetimeline.Panel:
    """Return the worst label among each gateway's sessions over time."""
    return p.states(
        p.Face(
            "Worst session of each gateway",
            "The worst label that any session had. Short red or orange bands are repairs at work; a band that goes on "
            "is a repair that is held, or that does not help.",
            width=width,
            height=height,
        ),
        p.Query(worst_label(), q.legend(TARGET)),
        style.SEVERITIES,
    )


def actions_by_outcome(width: int) -> timeseries.Panel:
    """Return what was done and what came of it."""
    return p.bars(
        p.Face(
            "Recovery actions by outcome",
            "Every executed action, by the outcome that was seen afterwards. Green recovered, blue came back by itself "
            "first; orange and red did not help. Only orange and red, for long: the ladder does not fit the fault.",
            width=width,
        ),
        p.Query(q.total(q.increase(c.RECOVERY_COMPLETED), a.ACTION, a.OUTCOME), q.legend(a.ACTION, a.OUTCOME)),
        colours=style.OUTCOMES,
    )


def _numbered() -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(style.STATES))
