"""What recovery remembers between ticks. Frozen: every change gives a new memory, so that decisions can be replayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from livewatch.judge import Census
from livewatch.recovery.outcome import ENDS_A_RUN
from livewatch.recovery.patient import Patient, examined, treated
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import GATEWAY, Action, Completed
from livewatch_classifiers.model import GatewayIdentity, Snapshot
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import (
    SICK,
    ActionKind,
    EvidenceClass,
    Outcome,
    Phase,
    Reason,
    StallCause,
    VitalsReason,
    VitalsState,
)

HOST_PAUSES = frozenset({VitalsState.FROZEN, VitalsState.SUSPENDED, VitalsState.GONE})
LOOKED_AWAY_S = 15.0
"""A longer gap between two looks is a pause of the observer, and says nothing about the gateway."""


@dataclass(frozen=True, slots=True)
class MassStall:
    """Many sessions sick at once: an outage of the provider or the host, not of the sessions."""

    since_s: float
    canary: str | None = None
    next_canary_s: float = 0.0
    cleared: bool = False
    """True once a canary was seen to recover: the others may follow."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that `decide` knows from earlier ticks."""

    patients: Mapping[str, Patient] = field(default_factory=lambda: MappingProxyType({}))
    sent_s: tuple[float, ...] = ()
    """When actions were sent, for the budget."""
    attached_s: float | None = None
    identity: GatewayIdentity | None = None
    unhealthy_s: float | None = None
    """Last moment at which the gateway could not run."""
    paused_s: float | None = None
    """Last moment at which it was frozen, suspended or gone."""
    mass: MassStall | None = None
    restarts_s: tuple[float, ...] = ()
    """When restarts of the gateway were asked for."""
    restarting: Action | None = None
    down_since_s: float | None = None
    """Since when every look found the gateway unresponsive or gone."""
    looked_s: float | None = None
    drained: bool = False
    """Whether the gateway was draining when it was seen last: somebody stops it on purpose."""

    def observed(
        self,
        snapshot: Snapshot,
        verdicts: Mapping[str, Verdict],
        vitals: VitalsVerdict,
        policy: Policy,
        now_s: float,
        *,
        census: Census | None = None,
    ) -> "Memory":
        """Take in one look at the gateway; the ``census`` of the verdicts only saves looking at each of them."""
        restarted = self.restarted(snapshot)
        known = dict(self.after_restart(policy).patients if restarted else self.patients)
        for key in verdicts if census is None else sorted({*census.sick, *known}):
            verdict, session = verdicts.get(key), snapshot.sessions.get(key)
            if verdict is None or session is None or (verdict.attention not in SICK and key not in known):
                continue
            known[key] = examined(known.get(key), verdict, session, policy, now_s)
        kept = {k: p for k, p in known.items() if _worth_keeping(p, verdicts, policy, now_s)}
        memory = replace(
            self,
            patients=MappingProxyType(kept),
            sent_s=tuple(t for t in self.sent_s if now_s - t < policy.budget_window_s),
            attached_s=now_s if self.attached_s is None or restarted else self.attached_s,
            identity=snapshot.identity or self.identity,
            unhealthy_s=self.unhealthy_s if vitals.healthy or vitals.state is VitalsState.DRAINING else now_s,
            paused_s=now_s if restarted or vitals.state in HOST_PAUSES else self.paused_s,
            mass=None if restarted else self.mass,
            down_since_s=self._down_since(down=_down(vitals), now_s=now_s),
            looked_s=now_s,
            drained=snapshot.vitals.phase is Phase.DRAINING,
        )
        mass = _mass_stall(memory, verdicts, policy, now_s, census)
        return replace(memory, mass=mass if mass is None else _without_late_canary(mass, memory, policy, now_s))

    def restarted(self, snapshot: Snapshot) -> bool:
        """Return whether another process was seen; an identity that was not observed is no restart."""
        return None not in (self.identity, snapshot.identity) and snapshot.identity != self.identity

    def after_restart(self, policy: Policy) -> "Memory":
        """Forget what was tried on a process that is gone; a session that needed many repairs stays known for it."""
        patients = {
            key: replace(
                patient.revived(),
                pending=None,
                samples=0,
                sick=False,
                quarantined=len(patient.repaired_s) >= policy.poison_repairs and not patient.scheduled,
            )
            for key, patient in self.patients.items()
            if patient.repaired_s
        }
        return replace(self, patients=MappingProxyType(patients), mass=None)

    def with_past(self, past: "Memory") -> "Memory":
        """Add what earlier agents did to what this one has seen so far; for each session the later story counts."""
        patients = dict(past.patients)
        for key, patient in self.patients.items():
            before = past.patients.get(key)
            later = before is not None and before.last_sent_s > patient.last_sent_s
            patients[key] = patient.treated_as(before) if before is not None and later else patient
        sent_s = tuple(sorted((*past.sent_s, *self.sent_s)))
        restarts_s = tuple(sorted((*past.restarts_s, *self.restarts_s)))
        return replace(self, patients=MappingProxyType(patients), sent_s=sent_s, restarts_s=restarts_s)

    def unseen(self, vitals: VitalsVerdict, now_s: float, *, gone: bool = False) -> "Memory":
        """Take note that the gateway could not be read in this tick: nothing stays confirmed.

        Only ``gone``, the known end of its process, says that it is down: what cannot be read may well live.
        """
        patients = {key: replace(patient, samples=0) for key, patient in self.patients.items()}
        paused_s = now_s if vitals.state in HOST_PAUSES else self.paused_s
        return replace(
            self,
            patients=MappingProxyType(patients),
            unhealthy_s=now_s,
            paused_s=paused_s,
            down_since_s=self._down_since(down=gone and self.identity is not None and not self.drained, now_s=now_s),
            looked_s=now_s,
        )

    def restarts_in_window(self, policy: Policy, now_s: float) -> tuple[float, ...]:
        """Return the moments of restarts that still count."""
        return tuple(t for t in self.restarts_s if now_s - t < policy.restart_window_s)

    def _down_since(self, *, down: bool, now_s: float) -> float | None:
        """Return since when the gateway is down; a pause of the observer's own starts the count again."""
        if not down:
            return None
        unwatched = self.looked_s is None or now_s - self.looked_s > LOOKED_AWAY_S
        return now_s if self.down_since_s is None or unwatched else self.down_since_s

    def sent(self, action: Action, now_s: float) -> "Memory":
        """Take note of an action that is about to be sent."""
        restart = action.kind is ActionKind.RESTART_TARGET
        memory = replace(self, restarts_s=(*self.restarts_s, now_s), restarting=action) if restart else self
        if action.session == GATEWAY:
            return memory
        patient = self.patients[action.session]
        patient = replace(patient, pending=action, attempts=patient.attempts + 1, last_sent_s=now_s, last_action=action)
        patients = {**self.patients, action.session: patient}
        mass = self.mass
        canary = action.kind in ENDS_A_RUN and not patient.certain  # of what is certain, nothing follows for a bet
        if canary and mass is not None and not mass.cleared and mass.canary is None:
            mass = replace(mass, canary=action.session)
        sent_s = self.sent_s if restart else (*self.sent_s, now_s)  # restarts have a budget of their own
        return replace(memory, patients=MappingProxyType(patients), sent_s=sent_s, mass=mass)

    def admitted(self, patient: Patient) -> "Memory":
        """Take in a session that a person wants repaired, sick or not."""
        return replace(self, patients=MappingProxyType({**self.patients, patient.key: patient}))

    def completed(self, done: Completed, policy: Policy, now_s: float) -> "Memory":
        """Take note of what was seen after an action."""
        restarting = None if done.action.kind is ActionKind.RESTART_TARGET else self.restarting
        patient = self.patients.get(done.action.session)
        mass = self.mass
        if mass is not None and mass.canary == done.action.session:
            mass = replace(mass, canary=None, next_canary_s=now_s + policy.canary_delay_s)
        if mass is not None and _ending_a_run_helps(done):
            mass = replace(mass, cleared=True)
        if patient is None:
            return replace(self, mass=mass, restarting=restarting)
        patients = {**self.patients, patient.key: treated(patient, done, policy, now_s)}
        return replace(self, patients=MappingProxyType(patients), mass=mass, restarting=restarting)

    def pending(self) -> list[Action]:
        """Return the actions whose outcome has not been seen yet."""
        return [patient.pending for patient in self.patients.values() if patient.pending is not None]

    def budget_remaining(self, policy: Policy) -> int:
        """Return how many actions may still be sent in the current window."""
        return max(0, policy.budget_actions - len(self.sent_s))

    def longest_backoff_s(self, now_s: float) -> float:
        """Return the longest wait that any sick session still has before it."""
        waits = [patient.next_action_s - now_s for patient in self.patients.values() if patient.sick]
        return max([0.0, *waits])


def _down(vitals: VitalsVerdict) -> bool:
    """Return whether the gateway itself does not answer; what its host does to it is no reason to restart it.

    A gateway that drains for longer than a drain may take neither serves nor ends: it is down too.
    """
    if vitals.state is VitalsState.DRAINING and VitalsReason.DRAIN in vitals.reasons:
        return True
    return vitals.state is VitalsState.UNRESPONSIVE and vitals.cause not in (StallCause.HOST, StallCause.SUSPEND)


def _worth_keeping(patient: Patient, verdicts: Mapping[str, Verdict], policy: Policy, now_s: float) -> bool:
    if patient.pending is not None:
        return True
    if patient.key not in verdicts:
        # a session missing from one look must not come back with a fresh backoff and a key that was already used
        latest_s = max([0.0, *patient.repaired_s, patient.last_sent_s])
        return bool(patient.attempts or patient.repaired_s) and now_s - latest_s < policy.poison_window_s
    # attempts are part of the idempotency key: forgetting them would repeat a key that was already used
    unsettled = patient.attempts > 0 or patient.next_action_s > now_s
    return patient.sick or patient.quarantined or bool(patient.repaired_s) or unsettled


def _ending_a_run_helps(done: Completed) -> bool:
    """Return whether an outcome says so: only what moved does; one that lived by itself is no word on the others."""
    bet = done.action.kind in ENDS_A_RUN and done.verdict.evidence_class is not EvidenceClass.CERTAIN
    return bet and done.outcome is Outcome.RECOVERED


def _without_late_canary(mass: MassStall, memory: Memory, policy: Policy, now_s: float) -> MassStall:
    """Return the mass stall without a canary whose outcome takes long, as the lane of an aborted run may (D15)."""
    patient = None if mass.canary is None else memory.patients.get(mass.canary)
    if patient is None or now_s - patient.last_sent_s <= policy.verify_s:
        return mass
    return replace(mass, canary=None, next_canary_s=now_s)


def _mass_stall(
    memory: Memory, verdicts: Mapping[str, Verdict], policy: Policy, now_s: float, census: Census | None
) -> MassStall | None:
    sick = [p for p in memory.patients.values() if p.sick and p.key in verdicts]
    if len(sick) < policy.blast_sessions_min:
        return None
    active = census.active if census else sum(verdict.reason is not Reason.IDLE for verdict in verdicts.values())
    if len(sick) <= policy.blast_share * active:
        return None
    if memory.mass is not None:
        return memory.mass
    latest_s = max(patient.sick_since_s for patient in sick)
    together = sum(latest_s - patient.sick_since_s <= policy.blast_window_s for patient in sick)
    if together < policy.blast_sessions_min or together <= policy.blast_share * active:
        return None
    return MassStall(now_s)
