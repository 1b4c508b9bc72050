"""`classify_vitals`: whether the gateway, the host or nobody is the sick one."""

from livewatch_classifiers.model import Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Evidence, VitalsVerdict
from livewatch_classifiers.vocabulary import Phase, ProcessState, StallCause, VitalsReason, VitalsState

LEAVE_SHARE = 0.8
"""A reason that held in the look before holds on until its value is below this share of its limit: no flapping."""


def classify_vitals(vitals: Vitals, thresholds: Thresholds, before: VitalsVerdict | None = None) -> VitalsVerdict:
    """Return the label of the gateway at ``vitals.now_s``. Pure and total, like `classify_session`.

    Args:
        vitals: what is seen now.
        thresholds: the limits at which a reason begins to hold.
        before: the verdict of the look before, for hysteresis.
    """
    evidence = _evidence(vitals)
    if vitals.process is ProcessState.GONE:
        return VitalsVerdict(VitalsState.GONE, evidence=evidence)
    if vitals.suspended:
        return VitalsVerdict(VitalsState.SUSPENDED, cause=StallCause.SUSPEND, evidence=evidence)
    if vitals.process is ProcessState.STOPPED:
        return VitalsVerdict(VitalsState.FROZEN, cause=StallCause.STOPPED, evidence=evidence)
    if _silent(vitals, vitals.loop_heartbeat_s, thresholds):
        return _stopped_loop(vitals, thresholds, evidence)
    if vitals.phase is Phase.STARTING:
        return VitalsVerdict(VitalsState.STARTING, evidence=evidence)
    if vitals.phase is Phase.DRAINING:
        return VitalsVerdict(VitalsState.DRAINING, evidence=evidence)
    reasons = _reasons(vitals, thresholds, frozenset() if before is None else frozenset(before.reasons))
    if not reasons:
        return VitalsVerdict(VitalsState.RESPONSIVE, evidence=evidence)
    saturated = VitalsReason.EVENT_LOOP_UTILIZATION in reasons
    state = VitalsState.SATURATED if saturated else VitalsState.DEGRADED
    return VitalsVerdict(state, reasons, vitals.cause, evidence)


def _stopped_loop(vitals: Vitals, thresholds: Thresholds, evidence: Evidence) -> VitalsVerdict:
    """Both heartbeats silent means nothing in the process runs; only the loop's means its code blocks it."""
    reasons = (VitalsReason.EVENT_LOOP_DELAY,)
    if vitals.thread_heartbeat_s is not None and _silent(vitals, vitals.thread_heartbeat_s, thresholds):
        running = vitals.process is ProcessState.RUNNING
        if running and vitals.cpu_cores is not None and vitals.cpu_cores > thresholds.cpu_cores_warn / 2:
            return VitalsVerdict(VitalsState.UNRESPONSIVE, reasons, StallCause.GIL, evidence)
        return VitalsVerdict(VitalsState.FROZEN, reasons, vitals.cause, evidence)
    known = vitals.cause if vitals.cause is not StallCause.UNKNOWN else StallCause.OWN_CODE
    return VitalsVerdict(VitalsState.UNRESPONSIVE, reasons, known, evidence)


def _silent(vitals: Vitals, heartbeat_s: float | None, thresholds: Thresholds) -> bool:
    return heartbeat_s is not None and vitals.now_s - heartbeat_s > thresholds.loop_unresponsive_s


def _reasons(vitals: Vitals, thresholds: Thresholds, held: frozenset[VitalsReason]) -> tuple[VitalsReason, ...]:
    def over(reason: VitalsReason, value: float | None, limit: float) -> bool:
        return value is not None and value > (limit * LEAVE_SHARE if reason in held else limit)

    delay, utilization, cpu = VitalsReason.EVENT_LOOP_DELAY, VitalsReason.EVENT_LOOP_UTILIZATION, VitalsReason.CPU
    memory, io, swap = VitalsReason.MEMORY_PRESSURE, VitalsReason.IO_PRESSURE, VitalsReason.SWAP
    delayed = over(delay, vitals.loop_delay_max_s, thresholds.loop_delay_warn_s)
    faults, faults_limit = vitals.major_faults_per_s, thresholds.major_faults_warn_per_s
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
    )
    return tuple(reason for reason, holds in checks if holds)


def _evidence(vitals: Vitals) -> Evidence:
    now_s = vitals.now_s
    pairs: tuple[tuple[str, float | int | str | None], ...] = (
        ("loop_heartbeat_age_s", None if vitals.loop_heartbeat_s is None else now_s - vitals.loop_heartbeat_s),
        ("thread_heartbeat_age_s", None if vitals.thread_heartbeat_s is None else now_s - vitals.thread_heartbeat_s),
        ("loop_delay_p99_s", vitals.loop_delay_p99_s),
        ("loop_delay_max_s", vitals.loop_delay_max_s),
        ("loop_utilization", vitals.loop_utilization),
        ("cpu_cores", vitals.cpu_cores),
        ("memory_pressure", vitals.memory_pressure),
        ("io_pressure", vitals.io_pressure),
        ("swap_used", vitals.swap_used),
        ("major_faults_per_s", vitals.major_faults_per_s),
        ("process", vitals.process.value),
    )
    return tuple((name, round(v, 4) if isinstance(v, float) else v) for name, v in pairs if v is not None)
