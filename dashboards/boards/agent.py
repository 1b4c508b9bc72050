"""Agent: livewatch itself; when this looks bad, the other dashboards are not to be trusted."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, timeseries

from boards import frame, style
from boards import panels as p
from boards import queries as q
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c

UID = "livewatch-agent"
_AGE = f"time() - {q.largest(q.series(c.SAMPLER_LAST_SUCCESS), 'instance', a.SAMPLER)}"
_SERIES = f'count by (instance) ({{__name__=~"livewatch_.+",{q.AGENT_LABELS}}})'


def dashboard() -> builders.Dashboard:
    """Return the dashboard."""
    board = frame.new(UID, "Agent", "Is livewatch itself well enough to be believed?")
    frame.show(board, _last_look(), _lag_now(), _overruns_now(), _failures_now(), _penalty_now(), _series_now())
    frame.show(
        board, _age(), _lag(), _passes(), _overruns(), _failures(), _penalty(), _reloads(), _series(), _cpu(), _memory()
    )
    return board


def _small(title: str, description: str, unit: str = "short") -> p.Face:
    return p.Face(title, description, unit, width=4, height=4)


def _last_look() -> stat.Panel:
    return p.number(
        _small(
            "Time since the last sample",
            "Time since the slowest sampler last succeeded. Minutes: livewatch is blind or dead, and green panels "
            "elsewhere are old.",
            "s",
        ),
        p.Query(q.largest(_AGE), "ago"),
        limits=((None, style.GREEN), (30, style.YELLOW), (120, style.RED)),
    )


def _lag_now() -> stat.Panel:
    return p.number(
        _small(
            "Agent loop delay, p99",
            "How late livewatch's own rounds begin. Above a quarter of a second, its readings are suspect.",
            "s",
        ),
        p.Query(q.quantile(0.99, c.SELF_EVENTLOOP_DELAY), "p99"),
        limits=((None, style.GREEN), (0.1, style.YELLOW), (0.25, style.RED)),
    )


def _overruns_now() -> stat.Panel:
    return p.number(
        _small(
            "Tick overruns",
            "Rounds in the chosen time that took longer than their period: too many sessions or too little CPU.",
        ),
        p.Query(q.total(q.increase(c.SAMPLER_OVERRUNS, over=q.RANGE)), "late"),
        limits=((None, style.GREEN), (10, style.YELLOW), (100, style.RED)),
    )


def _failures_now() -> stat.Panel:
    return p.number(
        _small(
            "Failed exports",
            "Exports in the chosen time that failed. Nothing is lost to the tick; the collector is away or refuses.",
        ),
        p.Query(q.total(q.increase(c.TELEMETRY_FAILURES, over=q.RANGE)), "failed"),
        limits=((None, style.GREEN), (0.5, style.ORANGE)),
    )


def _penalty_now() -> stat.Panel:
    return p.number(
        _small(
            "Agent health penalty",
            "How unwell livewatch feels; each point stretches its patience, so that its own trouble "
            "is nobody else's. 0 is well.",
        ),
        p.Query(q.largest(q.series(c.SELF_HEALTH_PENALTY)), "penalty"),
        limits=((None, style.GREEN), (1, style.YELLOW), (4, style.RED)),
    )


def _series_now() -> stat.Panel:
    return p.number(
        _small(
            "Series",
            "Prometheus series of the largest livewatch. Beyond 1,300 per gateway something is wrong with livewatch.",
        ),
        p.Query(q.largest(_SERIES), "series"),
        limits=((None, style.GREEN), (1300, style.ORANGE)),
    )


def _age() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Time since the last success of each sampler",
            "Flat and low is well. A rising line is a sampler that no longer succeeds: the gateway is away, or "
            "livewatch hangs.",
            "s",
        ),
        p.Query(_AGE, q.legend("instance", a.SAMPLER)),
    )


def _lag() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Agent loop delay",
            "How late its rounds begin. When it is high together with the gateway's loop delay, the host is short of "
            "CPU; when it is high alone, livewatch is.",
            "s",
        ),
        p.Query(q.quantile(0.99, c.SELF_EVENTLOOP_DELAY, by=("instance",)), q.legend("instance", text="p99")),
        p.Query(q.quantile(0.5, c.SELF_EVENTLOOP_DELAY, by=("instance",)), q.legend("instance", text="p50")),
    )


def _passes() -> timeseries.Panel:
    return p.timeline(
        p.Face("Sampling duration, 99th percentile", "By sampler. It must stay far below the interval.", "s"),
        p.Query(q.quantile(0.99, c.SAMPLER_DURATION, by=("instance", a.SAMPLER)), q.legend("instance", a.SAMPLER)),
    )


def _overruns() -> timeseries.Panel:
    return p.bars(
        p.Face("Ticks longer than their interval", "Each is a look that came late for every session."),
        p.Query(q.total(q.increase(c.SAMPLER_OVERRUNS), "instance", a.SAMPLER), q.legend("instance", a.SAMPLER)),
    )


def _failures() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Exports that failed",
            "By signal and by how they failed. Metrics catch up with the next good export; dropped log lines and "
            "spans are lost.",
        ),
        p.Query(q.total(q.increase(c.TELEMETRY_FAILURES), a.SIGNAL, a.ERROR), q.legend(a.SIGNAL, a.ERROR)),
    )


def _penalty() -> timeseries.Panel:
    return p.timeline(
        p.Face("Agent health penalty", "Penalty points over time; all limits are stretched while it is above 0."),
        p.Query(q.largest(q.series(c.SELF_HEALTH_PENALTY), "instance"), q.legend("instance")),
    )


def _reloads() -> timeseries.Panel:
    return p.bars(
        p.Face(
            "Configuration reloads",
            "A rejected reload leaves the old settings in force: correct the file, `livewatch` says the line.",
        ),
        p.Query(q.total(q.increase(c.CONFIG_RELOADS), "instance", a.RELOAD), q.legend("instance", a.RELOAD)),
    )


def _series() -> timeseries.Panel:
    return p.timeline(
        p.Face(
            "Series",
            "What livewatch costs in Prometheus. It grows with the number of gateways, never with that of sessions.",
        ),
        p.Query(_SERIES, q.legend("instance")),
    )


def _cpu() -> timeseries.Panel:
    return p.timeline(
        p.Face("Own CPU", "Cores that livewatch itself uses, by mode.", "short"),
        p.Query(q.total(q.rate(c.SELF_CPU_TIME), "instance", a.CPU_MODE), q.legend("instance", a.CPU_MODE)),
    )


def _memory() -> timeseries.Panel:
    return p.timeline(
        p.Face("Own memory", "Resident memory of livewatch itself.", "bytes"),
        p.Query(q.largest(q.series(c.SELF_MEMORY_USAGE), "instance"), q.legend("instance")),
    )
