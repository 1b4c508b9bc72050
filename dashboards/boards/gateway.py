"""Gateway: one target, from what its users feel to its loop, its process and its host."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap, stat, timeseries

from boards import frame, parts, style
from boards import panels as p
from boards import queries as q
from livewatch_classifiers.vocabulary import Attention
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.metric_spec import TARGET

UID = "livewatch-gateway"


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    board = frame.new(UID, "Gateway", "What is wrong with this gateway, since when, and why?")
    frame.show(board, _state(), parts.sessions_now(8), _silence(), _waiting(), _left())
    frame.show(board, _sessions(), _progress(), _queue_age(), parts.actions_by_outcome(12))
    board.with_row(builders.Row("The event loop"))
    frame.show(board, _heatmap(), _delay(), _utilization(), _degraded(), _stalls(), parts.gateway_states(12, 8))
    board.with_row(builders.Row("Sessions and queues"))
    frame.show(board, _transitions(), _queue_size(), _heartbeats(), _contention(), _drain(), _probes())
    board.with_row(builders.Row("Process and host"))
    frame.show(board, _cpu(), _memory(), _descriptors(), _host(), _uptime(), _probe_errors())
    return board


def _state() -> stat.Panel:
    panel = p.number(
        p.Face(
            "State",
            "What livewatch says about the gateway now. Red: nothing can run there; livewatch waits until it is back "
            "before it judges any session.",
            width=4,
            height=4,
        ),
        p.Query(parts.state_number(), q.legend(TARGET)),
        limits=((None, style.GREY),),
    )
    return panel.mappings(style.words(style.STATES))


def _silence() -> stat.Panel:
    return p.number(
        p.Face(
            "Longest silence",
            "Longest time without progress among all working sessions, without the seconds in which nothing could run. "
            "Beyond the warn limit it gets a label, beyond the abort limit a repair.",
            "s",
            width=4,
            height=4,
        ),
        p.Query(q.largest(q.series(c.SESSION_PROGRESS_AGE)), "longest"),
        limits=((None, style.GREEN), (120, style.YELLOW), (360, style.RED)),
    )


def _waiting() -> stat.Panel:
    return p.number(
        p.Face(
            "Oldest unanswered turn",
            "Age of the oldest message that waits for its turn: what a user feels, whatever the heartbeats say.",
            "s",
            width=4,
            height=4,
        ),
        p.Query(q.largest(q.series(c.QUEUE_OLDEST_AGE)), "oldest"),
        limits=((None, style.GREEN), (60, style.YELLOW), (300, style.RED)),
    )


def _left() -> stat.Panel:
    return p.number(
        p.Face(
            "Recovery budget left",
            "Repairs that may still be made in the window. 0: livewatch only reports, and what breaks stays broken.",
            width=4,
            height=4,
        ),
        p.Query(q.smallest(q.series(c.RECOVERY_BUDGET_REMAINING)), "left"),
        limits=((None, style.RED), (1, style.YELLOW), (3, style.GREEN)),
    )


def _sessions() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Sessions by classification over time",
            "How many sessions had each label. Bumps that vanish are repairs that worked; a floor of orange or red is "
            "dead work that stays. Blue is slow, alive and left alone.",
        ),
        p.Query(
            q.total(q.series(c.SESSION_ACTIVE, q.ne(a.ATTENTION, Attention.NONE)), a.ATTENTION), q.legend(a.ATTENTION)
        ),
        colours=style.ATTENTION,
    )


def _progress() -> timeseries.Panel:
    limits = q.series(c.THRESHOLD_LIMIT, q.one_of(a.THRESHOLD, "warn", "abort"))
    return p.timeline(
        p.Face(
            "Longest time without progress, and the limits in force",
            "The most silent working session of each label against the live warn and abort limits (dashed). A line "
            "that climbs past abort and keeps climbing is not being repaired.",
            "s",
        ),
        p.Query(q.largest(q.series(c.SESSION_PROGRESS_AGE), TARGET, a.ATTENTION), q.legend(TARGET, a.ATTENTION)),
        p.Query(q.largest(limits, TARGET, a.THRESHOLD), q.legend(TARGET, a.THRESHOLD, text="limit")),
        colours=style.ATTENTION | {"warn limit": style.YELLOW, "abort limit": style.RED},
        lines=(".* limit$",),
    )


def _queue_age() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Oldest waiting turn by lane",
            "How long the oldest message has waited, by kind of lane. One lane alone: its head holds it. All lanes: "
            "the loop, the provider or the host.",
            "s",
        ),
        p.Query(q.largest(q.series(c.QUEUE_OLDEST_AGE), TARGET, a.LANE), q.legend(TARGET, a.LANE)),
    )


def _heatmap() -> heatmap.Panel:
    return p.density(
        p.Face(
            "Event loop delay, all readings",
            "How late the loop ran its callbacks. Dark at the bottom is well. A second band above is a periodic "
            "blocking call; single cells at the top are stalls.",
            "s",
        ),
        q.total(q.increase(c.EVENTLOOP_DELAY, part="_bucket"), "le"),
    )


def _delay() -> timeseries.Panel:
    limit = q.series(c.THRESHOLD_LIMIT, q.eq(a.THRESHOLD, "eventloop_delay"))
    return p.timeline(
        p.Face(
            "Event loop delay",
            "Median and 99th percentile of the delay; while the loop stands, how long it has. Above the dashed limit "
            "every session of this gateway waits.",
            "s",
        ),
        p.Query(q.quantile(0.99, c.EVENTLOOP_DELAY, by=(TARGET,)), q.legend(TARGET, text="p99"), exemplars=True),
        p.Query(q.quantile(0.5, c.EVENTLOOP_DELAY, by=(TARGET,)), q.legend(TARGET, text="p50")),
        p.Query(q.largest(limit, TARGET), q.legend(TARGET, text="warn limit")),
        colours={"warn limit": style.YELLOW},
        lines=(".* limit$",),
    )


def _utilization() -> timeseries.Panel:
    active = q.total(q.rate(c.EVENTLOOP_TIME, q.eq(a.LOOP_STATE, "active")), TARGET)
    return p.timeline(
        p.Face(
            "Event loop utilization",
            "Share of time in which the loop ran rather than waited. Near 1 the gateway is at the end of its one core: "
            "everything is slow, and nothing is stuck.",
            "percentunit",
        ),
        p.Query(f"{active} / {q.total(q.rate(c.EVENTLOOP_TIME), TARGET)}", q.legend(TARGET)),
    )


def _degraded() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Degraded share of time by reason",
            "Share of time beyond a threshold, by reason. Sustained colour is an unhealthy gateway or host, and time "
            "that no session is blamed for.",
            "percentunit",
        ),
        p.Query(q.share(q.total(q.rate(c.LIVENESS_DEGRADED_TIME), a.LIVENESS)), q.legend(a.LIVENESS)),
    )


def _stalls() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Event-loop stalls by cause",
            "Share of time in which the loop stood still, by what stopped it. own_code: a blocking call, its "
            "stack is in the log; garbage_collection, gil: the interpreter; host, suspend, stopped: not the program.",
            "percentunit",
        ),
        p.Query(q.share(q.total(q.rate(c.EVENTLOOP_STALL_TIME), TARGET, a.CAUSE)), q.legend(TARGET, a.CAUSE)),
    )


def _transitions() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Classifications by reason",
            "How often sessions were labelled, and why. The same reason again and again is one cause: a tool, a "
            "provider, a lane.",
        ),
        p.Query(
            q.total(q.increase(c.SESSION_TRANSITIONS, q.ne(a.ATTENTION, Attention.NONE)), a.ATTENTION, a.REASON),
            q.legend(a.ATTENTION, a.REASON),
        ),
    )


def _queue_size() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Waiting turns by lane",
            "How many messages wait. Growing while sessions make progress: too little capacity. Growing while they do "
            "not: something is held.",
        ),
        p.Query(q.total(q.series(c.QUEUE_SIZE), TARGET, a.LANE), q.legend(TARGET, a.LANE)),
    )


def _heartbeats() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Dropped heartbeats by reason",
            "Heartbeats that the gateway itself dropped. run_active for hours is the classic of a dead run that still "
            "has its handle.",
        ),
        p.Query(q.total(q.increase(c.HEARTBEAT_DROPPED), TARGET, a.DROPPED), q.legend(TARGET, a.DROPPED)),
    )


def _contention() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Session lock contention",
            "By the lane of who waited and of who held. Two kinds that meet all the time are scheduled against each "
            "other.",
        ),
        p.Query(
            q.total(q.increase(c.SESSION_CONTENTION), a.WAITER, a.HOLDER),
            q.legend(a.WAITER, "livewatch_contention_holder"),
        ),
    )


def _drain() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Runs at drain by result",
            "How runs ended that were under way when the gateway began to drain. Cleared or abandoned ones outlived "
            "their own timeout and would have held up the restart.",
        ),
        p.Query(q.total(q.increase(c.DRAINS), a.DRAIN), q.legend(a.DRAIN)),
    )


def _probes() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Probe duration, 95th percentile",
            "How long each kind of question took. rpc that grows while looks stay fast: the gateway is alive and does "
            "not answer.",
            "s",
        ),
        p.Query(q.quantile(0.95, c.PROBE_DURATION, by=(a.PROBE,)), q.legend(a.PROBE)),
    )


def _probe_errors() -> timeseries.Panel:
    errors = q.increase(c.PROBE_DURATION, q.failed(a.PROBE_ERROR), part="_count")
    return p.bars(
        p.Face(
            "Probe errors",
            "By kind and by how they failed. refused: nobody listens; timeout: it lives and does not answer; auth: "
            "the token is wrong.",
        ),
        p.Query(q.total(errors, a.PROBE, a.PROBE_ERROR), q.legend(a.PROBE, a.PROBE_ERROR)),
    )


def _cpu() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "CPU cores in use by mode",
            "1 is one whole core, which is all that one event loop can use. Near 1 for long: saturated. Much system "
            "time: I/O, paging, or a storm of small writes.",
            "short",
        ),
        p.Query(q.total(q.rate(c.TARGET_CPU_TIME), TARGET, a.CPU_MODE), q.legend(TARGET, a.CPU_MODE)),
    )


def _memory() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Resident memory",
            "A line that only ever rises ends in swapping, and swapping looks like stuck sessions to other watchdogs.",
            "bytes",
        ),
        p.Query(q.total(q.series(c.TARGET_MEMORY_USAGE), TARGET), q.legend(TARGET)),
    )


def _descriptors() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Open file descriptors",
            "A line that only ever rises is a leak of sockets or files, and ends with the process's limit. Missing "
            "where livewatch runs as another user.",
        ),
        p.Query(q.total(q.series(c.TARGET_FILE_DESCRIPTOR_USAGE), TARGET), q.legend(TARGET)),
    )


def _host() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Host pressure stall share",
            "For memory or for I/O (pressure stall information). Above a few percent the host is short of it, and the "
            "gateway's silence is not its own.",
            "percentunit",
        ),
        p.Query(q.largest(q.rate(c.HOST_STALL_TIME), TARGET, a.RESOURCE), q.legend(TARGET, a.RESOURCE)),
    )


def _uptime() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Uptime",
            "Age of the gateway's process. Teeth like a saw are restarts; the annotations say who began them.",
            "s",
        ),
        p.Query(q.largest(q.series(c.TARGET_UPTIME), TARGET), q.legend(TARGET)),
    )
