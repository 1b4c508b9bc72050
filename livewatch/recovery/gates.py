"""The gates: each a small pure predicate with a name. A gate that does not hold says why, and until when if it knows.

Order matters only for what is reported: the first gate that holds an action is the one that is named.
"""

from collections.abc import Callable
from dataclasses import dataclass

from livewatch.recovery.memory import HOST_PAUSES
from livewatch.recovery.outcome import ENDS_A_RUN
from livewatch.recovery.request import Request
from livewatch_classifiers.vocabulary import (
    ActionKind,
    EvidenceClass,
    Gate,
    Mode,
    Phase,
    Presence,
    Reason,
    VitalsState,
)


@dataclass(frozen=True, slots=True)
class Held:
    """Why a gate does not let the action pass."""

    detail: str
    until_s: float | None = None


MODE_NEEDED: dict[ActionKind, Mode] = {
    ActionKind.RELEASE_LANE: Mode.RELEASE,
    ActionKind.EVICT_SESSION: Mode.RELEASE,
    ActionKind.CORRECT_STORE: Mode.RELEASE,
    ActionKind.WAKE: Mode.RELEASE,
    ActionKind.ABORT_RUN: Mode.ABORT,
    ActionKind.FORCE_CLEAR: Mode.ABORT,
    ActionKind.DRAIN: Mode.RESTART,
    ActionKind.RESTART_TARGET: Mode.RESTART,
}
_MODES = tuple(Mode)
_STARTS_A_RUN = frozenset({ActionKind.RELEASE_LANE, ActionKind.EVICT_SESSION})
_CANNOT_RUN = frozenset({VitalsState.UNRESPONSIVE, VitalsState.FROZEN, VitalsState.SUSPENDED, VitalsState.GONE})


def capability(request: Request) -> Held | None:
    """Hold what the gateway cannot do."""
    if request.kind in request.situation.capabilities:
        return None
    offered = ", ".join(sorted(kind.value for kind in request.situation.capabilities))
    return Held(f"{request.kind.value} is not offered by this gateway, which offers {offered or 'no repair now'}")


def allows(chosen: Mode, kind: ActionKind) -> bool:
    """Return whether automation may do this in a mode."""
    return _MODES.index(chosen) >= _MODES.index(MODE_NEEDED[kind])


def mode(request: Request) -> Held | None:
    """Hold what the operator has not allowed."""
    needed = MODE_NEEDED[request.kind]
    if allows(request.policy.mode, request.kind):
        return None
    return Held(
        f'mode is {request.policy.mode.value}; {request.kind.value} needs mode = "{needed.value}" in [recovery]'
    )


def operator_hold(request: Request) -> Held | None:
    """Hold what a person asked to leave alone; people outrank recovery."""
    who = request.situation.held(request.session.key)
    return None if who is None else Held(f"paused {who}; `livewatch resume` ends it")


def single_actor(request: Request) -> Held | None:
    """Hold everything while another livewatch acts on this gateway."""
    if request.situation.may_act:
        return None
    return Held(f"this agent only observes: {request.situation.actor or 'another livewatch holds the lease'}")


def quarantine(request: Request) -> Held | None:
    """Hold a session that repairs do not help: one page to a person, no 67 repairs a day (OpenClaw 145152)."""
    if not request.patient.quarantined:
        return _repeated_schedule(request)
    repairs = len(request.patient.repaired_s)
    why = f"quarantined after {repairs} repairs" if repairs else "quarantined after repairs that did not help"
    return Held(f"{why}; a person must look")


def _repeated_schedule(request: Request) -> Held | None:
    """Hold a scheduled run for a moment, so that a person is told, where its lane needed many repairs already.

    Three hung runs in three days are three patients of one schedule, and no reason to let it stand (issue 20.8).
    """
    patient, policy = request.patient, request.policy
    repairs = len(patient.repaired_s)
    if not patient.scheduled or repairs < policy.poison_repairs:
        return None
    why = f"repaired {repairs} times before, and a schedule goes on: a person should look, and it is repaired again"
    return _until(patient.eligible_since_s, policy.scheduled_told_s, request.now_s, why)


def startup_grace(request: Request) -> Held | None:
    """Hold until the gateway served for a while; cold starts take up to 13.5 min (OpenClaw 149538)."""
    vitals = request.situation.snapshot.vitals
    if vitals.phase is Phase.STARTING:
        return Held("the gateway is still starting")
    grace_s = request.policy.startup_grace_s
    if vitals.ready_s is not None:
        return _until(vitals.ready_s, grace_s, request.now_s, "the gateway became ready only just now")
    return _until(request.memory.attached_s, grace_s, request.now_s, "livewatch attached only just now")


def resume_grace(request: Request) -> Held | None:
    """Hold after the gateway was frozen, suspended or restarted: let it catch up first."""
    state = request.situation.vitals.state
    why = f"the gateway is {state.value}" if state in HOST_PAUSES else "the gateway just came back"
    return _until(request.memory.paused_s, request.policy.resume_grace_s, request.now_s, why)


def responsive(request: Request) -> Held | None:
    """Hold while the gateway cannot run; a bet on silence also waits until it has been healthy for a while."""
    state = request.situation.vitals.state
    if state in _CANNOT_RUN:
        return Held(f"the gateway is {state.value}")
    if state is VitalsState.DRAINING and request.kind in _STARTS_A_RUN:
        return Held("the gateway is draining: it begins no run, and what waits is for the next process")
    if request.verdict.evidence_class is EvidenceClass.CERTAIN:
        return None
    why = "the gateway recovered just now" if request.situation.vitals.healthy else f"the gateway is {state.value}"
    return _until(request.memory.unhealthy_s, request.policy.healthy_for_s, request.now_s, why)


def confirmed(request: Request) -> Held | None:
    """Hold until the same evidence about the same run was seen in several samples."""
    certain = request.verdict.evidence_class is EvidenceClass.CERTAIN
    penalty = 0 if certain else request.situation.penalty
    needed = (request.policy.confirm_certain if certain else request.policy.confirm_silence) * (1 + penalty)
    if request.patient.samples >= needed:
        return None
    why = f"; livewatch itself is slow (penalty {penalty})" if penalty else ""
    return Held(f"seen in {request.patient.samples} of {needed} samples{why}")


def generation(request: Request) -> Held | None:
    """Hold what cannot be bound to one incarnation: a retired id was aborted four times (OpenClaw 92270)."""
    if request.session.generation is None:
        return Held("the session's generation is unknown")
    if request.session.generation != request.patient.generation:
        return Held("the session moved on since it was judged")
    if request.kind in ENDS_A_RUN and request.session.run is None:
        return Held("no run of this session is known that could be ended")
    return None


def owner_absent(request: Request) -> Held | None:
    """Hold a release or an eviction while a live owner may still write (OpenClaw 85913)."""
    if request.kind not in _STARTS_A_RUN or request.verdict.reason is Reason.POST_TERMINAL_HOLD:
        return None
    activity = request.session.activity
    orphaned = activity is not None and activity.owner is Presence.ABSENT
    if request.session.owner is Presence.ABSENT or (request.session.owner is Presence.UNKNOWN and orphaned):
        return None
    return Held(f"the owner is {request.session.owner.value}")


def handle_identity(request: Request) -> Held | None:
    """Hold a force-clear whose handle is unknown or not the one that was judged."""
    if request.kind is not ActionKind.FORCE_CLEAR:
        return None
    run = request.session.run
    if run is None or run.handle is None:
        return Held("the run's handle is unknown")
    return None if run.handle == request.patient.handle else Held("another handle is registered now")


def holder_free(request: Request) -> Held | None:
    """Hold what would start a second run on a session file that still has a holder (OpenClaw 85913, 105410)."""
    if request.kind in _STARTS_A_RUN and request.session.holder is Presence.PRESENT:
        return Held("the session file still has a holder")
    return None


def abort_grace(request: Request) -> Held | None:
    """Block a second abort, and a force-clear, until the first abort has had its grace, whoever asked for it."""
    patient, run = request.patient, request.session.run
    tried = [kind for kind, _ in patient.tried]
    grace_s = request.policy.force_clear_after_s
    if request.kind is ActionKind.ABORT_RUN and run is not None:
        return _until(run.asked_to_end_s, grace_s, request.now_s, "the run was asked to end already")
    if request.kind is ActionKind.FORCE_CLEAR and ActionKind.FORCE_CLEAR not in tried and ActionKind.ABORT_RUN in tried:
        return _until(patient.last_sent_s, grace_s, request.now_s, "the abort still has its grace")
    return None


def backoff(request: Request) -> Held | None:
    """Block a rung that was just tried; the next higher rung waits only for its own grace."""
    patient = request.patient
    tried = [kind for kind, _ in patient.tried]
    if tried and request.kind not in tried and request.kind is not ActionKind.RESTART_TARGET:
        return None
    if request.now_s >= patient.next_action_s:
        return None
    return Held(f"attempt {patient.attempts + 1} waits for its backoff", patient.next_action_s)


def blast_radius(request: Request) -> Held | None:
    """Hold aborts while most sessions are sick together, but let one canary go at a time, each for a bounded time.

    What is certain waits for no canary: a zombie does not come back to life when the provider does.
    """
    mass = request.memory.mass
    if request.verdict.evidence_class is EvidenceClass.CERTAIN:
        return None
    if mass is None or mass.cleared or request.kind not in ENDS_A_RUN:
        return None
    if mass.canary is None and request.now_s >= mass.next_canary_s:
        return None
    return Held("mass_stall: many sessions are sick at once; one canary at a time", mass.next_canary_s or None)


def budget(request: Request) -> Held | None:
    """Hold when this window's actions are used up, like a supervisor's restart intensity."""
    policy, sent_s = request.policy, request.memory.sent_s
    if request.kind is ActionKind.RESTART_TARGET:
        return _restart_budget(request)
    if len(sent_s) < policy.budget_actions:
        return None
    until_s = sent_s[0] + policy.budget_window_s if sent_s else None
    return Held(f"{policy.budget_actions} actions in {policy.budget_window_s:g} s are used up", until_s)


def _restart_budget(request: Request) -> Held | None:
    policy, sent_s = request.policy, request.memory.restarts_in_window(request.policy, request.now_s)
    if len(sent_s) < policy.restart_budget:
        return None
    until_s = sent_s[0] + policy.restart_window_s if sent_s else None
    return Held(f"{policy.restart_budget} restarts in {policy.restart_window_s:g} s are used up", until_s)


def restart_cooldown(request: Request) -> Held | None:
    """Hold a restart of a gateway that has not been up for long: restarting a slow start never lets it start."""
    if request.kind is not ActionKind.RESTART_TARGET:
        return None
    policy, vitals, memory = request.policy, request.situation.snapshot.vitals, request.memory
    up_s = vitals.ready_s if vitals.ready_s is not None else memory.attached_s
    waits_s = [moment_s for moment_s in (up_s, *memory.restarts_s[-1:]) if moment_s is not None]
    since_s = max(waits_s, default=None)
    return _until(since_s, policy.restart_cooldown_s, request.now_s, "the gateway was started only a while ago")


def discard(request: Request) -> Held | None:
    """Hold what would throw queued messages away unless the operator allows it (OpenClaw 89208, 130911, 94650)."""
    count = request.discards
    if count == 0 or request.policy.allow_discard:
        return None
    told = "an unknown number of" if count is None else str(count)
    return Held(f"would throw away {told} queued messages; --allow-discard permits that")


def dry_run(request: Request) -> Held | None:
    """Hold everything that would have been done, and say so."""
    return Held("would act now; dry run") if request.policy.dry_run else None


GateCheck = tuple[Gate, Callable[[Request], Held | None]]
GATES: tuple[GateCheck, ...] = (
    (Gate.CAPABILITY, capability),
    (Gate.MODE, mode),
    (Gate.OPERATOR_HOLD, operator_hold),
    (Gate.SINGLE_ACTOR, single_actor),
    (Gate.QUARANTINE, quarantine),
    (Gate.STARTUP_GRACE, startup_grace),
    (Gate.RESUME_GRACE, resume_grace),
    (Gate.RESPONSIVE, responsive),
    (Gate.CONFIRMED, confirmed),
    (Gate.GENERATION, generation),
    (Gate.OWNER_ABSENT, owner_absent),
    (Gate.HANDLE_IDENTITY, handle_identity),
    (Gate.HOLDER_FREE, holder_free),
    (Gate.DISCARD, discard),
    (Gate.ABORT_GRACE, abort_grace),
    (Gate.BACKOFF, backoff),
    (Gate.BLAST_RADIUS, blast_radius),
    (Gate.RESTART_COOLDOWN, restart_cooldown),
    (Gate.BUDGET, budget),
    (Gate.DRY_RUN, dry_run),
)


def _until(since_s: float | None, grace_s: float, now_s: float, detail: str) -> Held | None:
    if since_s is None or now_s - since_s >= grace_s:
        return None
    return Held(detail, since_s + grace_s)
