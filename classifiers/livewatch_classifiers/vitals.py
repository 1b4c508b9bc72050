"""`classify_vitals`: whether the gateway, the host or nobody is the sick one."""

from dataclasses import replace

from livewatch_classifiers.model import Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Evidence, VitalsVerdict
from livewatch_classifiers.vocabulary import Phase, ProcessState, StallCause, VitalsReason, VitalsState, WaitKind

LEAVE_SHARE = 0.8
"""A reason that held in the look before holds on until its value is below this share of its limit: no flapping."""
_PAUSES = frozenset({VitalsState.FROZEN, VitalsState.SUSPENDED})
"""After these the gateway catches up: its first delays are those of the pause, and say nothing about it."""


def classify_vitals(vitals: Vitals, thresholds: Thresholds, before: VitalsVerdict | None = None) -> VitalsVerdict:
    """Return the label of the gateway at ``vitals.now_s``. Pure and total, like `classify_session`.

    Args:
        vitals: what is seen now.
        thresholds: the limits at which a reason begins to hold.
        before: the verdict of the look before, for hysteresis and for how long a value has been beyond its limit.
    """
    paused_s = None if before is None else before.paused_s
    draining_s = _draining_since(vitals, before)
    verdict = _fact(vitals, thresholds, draining_s) or _limits(vitals, thresholds, before, paused_s)
    if verdict.state in _PAUSES:
        paused_s = vitals.now_s
    return replace(verdict, evidence=_evidence(vitals), paused_s=paused_s, draining_since_s=draining_s)


def _draining_since(vitals: Vitals, before: VitalsVerdict | None) -> float | None:
    if vitals.phase is not Phase.DRAINING:
        return None
    return vitals.now_s if before is None or before.draining_since_s is None else before.draining_since_s


def _fact(vitals: Vitals, thresholds: Thresholds, draining_since_s: float | None) -> VitalsVerdict | None:
    """Return what needs neither limit nor history."""
    if vitals.process is ProcessState.GONE:
        return VitalsVerdict(VitalsState.GONE)
    if vitals.suspended:
        return VitalsVerdict(VitalsState.SUSPENDED, cause=StallCause.SUSPEND)
    if vitals.process is ProcessState.STOPPED:
        return VitalsVerdict(VitalsState.FROZEN, cause=StallCause.STOPPED)
    if vitals.phase is Phase.STARTING:  # before the loop: migrations, imports and caches block it (76365)
        overdue = vitals.uptime_s is not None and vitals.uptime_s > thresholds.startup_deadline_s
        return VitalsVerdict(VitalsState.STARTING, (VitalsReason.STARTUP,) if overdue else ())
    if _silent(vitals, vitals.loop_heartbeat_s, thresholds):
        return _stopped_loop(vitals, thresholds)
    if vitals.loop_heartbeat_s is None and _unanswered(vitals, thresholds):
        return VitalsVerdict(VitalsState.UNRESPONSIVE, (VitalsReason.ROUND_TRIP,), vitals.cause)
    if draining_since_s is not None:
        overdue = (vitals.age(draining_since_s) or 0.0) > thresholds.wait_bounds_s.get(WaitKind.DRAIN, float("inf"))
        return VitalsVerdict(VitalsState.DRAINING, (VitalsReason.DRAIN,) if overdue else ())
    return None


def _stopped_loop(vitals: Vitals, thresholds: Thresholds) -> VitalsVerdict:
    """Both heartbeats silent means nothing in the process runs; only the loop's means its code blocks it."""
    reasons = (VitalsReason.EVENT_LOOP_DELAY,)
    if vitals.thread_heartbeat_s is not None and _silent(vitals, vitals.thread_heartbeat_s, thresholds):
        running = vitals.process is ProcessState.RUNNING
        if vitals.cause is StallCause.GARBAGE_COLLECTION:
            return VitalsVerdict(VitalsState.UNRESPONSIVE, reasons, vitals.cause)
        if running and vitals.cpu_cores is not None and vitals.cpu_cores > thresholds.cpu_cores_warn / 2:
            return VitalsVerdict(VitalsState.UNRESPONSIVE, reasons, StallCause.GIL)
        if _hangs_by_itself(vitals, thresholds):
            return VitalsVerdict(VitalsState.UNRESPONSIVE, reasons, StallCause.GIL)
        return VitalsVerdict(VitalsState.FROZEN, reasons, vitals.cause)
    known = vitals.cause if vitals.cause is not StallCause.UNKNOWN else StallCause.OWN_CODE
    return VitalsVerdict(VitalsState.UNRESPONSIVE, reasons, known)


def _hangs_by_itself(vitals: Vitals, thresholds: Thresholds) -> bool:
    """Return whether nothing turns in a process that nobody stopped: a lock of the interpreter, or native code.

    A stopped process is in state T, one whose control group is frozen is told as stopped, one that waits for a disk has
    no known state; one that the host keeps from running has the host as its cause. What is left sleeps by itself.
    """
    if vitals.process is not ProcessState.SLEEPING or vitals.cause in (StallCause.HOST, StallCause.SUSPEND):
        return False
    beats_s = [beat_s for beat_s in (vitals.loop_heartbeat_s, vitals.thread_heartbeat_s) if beat_s is not None]
    return vitals.now_s - max(beats_s) > thresholds.hang_after_s


def _silent(vitals: Vitals, heartbeat_s: float | None, thresholds: Thresholds) -> bool:
    return heartbeat_s is not None and vitals.now_s - heartbeat_s > thresholds.loop_unresponsive_s


def _unanswered(vitals: Vitals, thresholds: Thresholds) -> bool:
    return vitals.round_trip_overdue_s is not None and vitals.round_trip_overdue_s > thresholds.round_trip_warn_s


def _limits(
    vitals: Vitals, thresholds: Thresholds, before: VitalsVerdict | None, paused_s: float | None
) -> VitalsVerdict:
    """Judge by limits: entered after they were passed for a while, left well below them, not held in a grace."""
    held = frozenset[VitalsReason]() if before is None else frozenset(before.reasons)
    known = {} if before is None else dict(before.over)
    over = tuple((reason, known.get(reason, vitals.now_s)) for reason in _over(vitals, thresholds, held))
    hold_s = 0.0 if before is None else thresholds.vitals_hold_s  # a first look has no history to wait for
    reasons = tuple(reason for reason, since_s in over if reason in held or vitals.now_s - since_s >= hold_s)
    if not reasons or _in_grace(vitals, thresholds, paused_s):
        return VitalsVerdict(VitalsState.RESPONSIVE, over=over)
    saturated = VitalsReason.EVENT_LOOP_UTILIZATION in reasons
    state = VitalsState.SATURATED if saturated else VitalsState.DEGRADED
    return VitalsVerdict(state, reasons, vitals.cause, over=over)


def _in_grace(vitals: Vitals, thresholds: Thresholds, paused_s: float | None) -> bool:
    graces = ((vitals.ready_s, thresholds.vitals_startup_grace_s), (paused_s, thresholds.vitals_resume_grace_s))
    return any(since_s is not None and vitals.now_s - since_s < grace_s for since_s, grace_s in graces)


def _over(vitals: Vitals, thresholds: Thresholds, held: frozenset[VitalsReason]) -> tuple[VitalsReason, ...]:
    def over(reason: VitalsReason, value: float | None, limit: float) -> bool:
        return value is not None and value > (limit * LEAVE_SHARE if reason in held else limit)

    delay, utilization, cpu = VitalsReason.EVENT_LOOP_DELAY, VitalsReason.EVENT_LOOP_UTILIZATION, VitalsReason.CPU
    memory, io, swap = VitalsReason.MEMORY_PRESSURE, VitalsReason.IO_PRESSURE, VitalsReason.SWAP
    delayed = over(delay, vitals.loop_delay_max_s, thresholds.loop_delay_warn_s)
    faults, faults_limit = vitals.major_faults_per_s, thresholds.major_faults_per_s_warn
    checks = (
        (delay, delayed),
        # A loop may be busy and punctual; utilization counts only with delay as second witness (OpenClaw 77028).
        (utilization, delayed and over(utilization, vitals.loop_utilization, thresholds.loop_utilization_warn)),
        (cpu, delayed and over(cpu, vitals.cpu_cores, thresholds.cpu_cores_warn)),
        (
            memory,
            over(memory, vitals.memory_pressure, thresholds.memory_pressure_warn) or over(memory, faults, faults_limit),
        ),
        (io, over(io, vitals.io_pressure, thresholds.io_pressure_warn)),
        (swap, over(swap, vitals.swap_used, thresholds.swap_used_warn) and over(swap, faults, faults_limit)),
        (
            VitalsReason.ROUND_TRIP,
            over(VitalsReason.ROUND_TRIP, vitals.round_trip_overdue_s, thresholds.round_trip_warn_s),
        ),
    )
    return tuple(reason for reason, holds in checks if holds)


def _evidence(vitals: Vitals) -> Evidence:
    now_s = vitals.now_s
    pairs: tuple[tuple[str, float | int | str | None], ...] = (
        ("loop_heartbeat_age_s", None if vitals.loop_heartbeat_s is None else now_s - vitals.loop_heartbeat_s),
        ("thread_heartbeat_age_s", None if vitals.thread_heartbeat_s is None else now_s - vitals.thread_heartbeat_s),
        ("loop_delay_p50_s", vitals.loop_delay_p50_s),
        ("loop_delay_p99_s", vitals.loop_delay_p99_s),
        ("loop_delay_max_s", vitals.loop_delay_max_s),
        ("loop_utilization", vitals.loop_utilization),
        ("round_trip_s", vitals.round_trip_s),
        ("round_trip_overdue_s", vitals.round_trip_overdue_s),
        ("cpu_cores", vitals.cpu_cores),
        ("cpu_pressure_some", vitals.cpu_pressure_some),
        ("cpu_steal", vitals.cpu_steal),
        ("cpu_throttled", vitals.cpu_throttled),
        ("cpu_waited", vitals.cpu_waited),
        ("memory_pressure", vitals.memory_pressure),
        ("io_pressure", vitals.io_pressure),
        ("swap_used", vitals.swap_used),
        ("swap_bytes_per_s", vitals.swap_bytes_per_s),
        ("major_faults_per_s", vitals.major_faults_per_s),
        ("process", vitals.process.value),
    )
    return tuple((name, round(v, 4) if isinstance(v, float) else v) for name, v in pairs if v is not None)
