"""The last resort for the gateway itself: when to restart it although no session can be blamed. Pure."""

from livewatch.recovery.gates import GATES
from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.policy import judge
from livewatch.recovery.request import Request, Situation
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import GATEWAY, Decision
from livewatch_classifiers.model import Session
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, EvidenceClass, Gate, Reason, Remedy, VitalsState

GATEWAY_GATES = frozenset(
    {
        Gate.CAPABILITY,
        Gate.MODE,
        Gate.OPERATOR_HOLD,
        Gate.SINGLE_ACTOR,
        Gate.STARTUP_GRACE,
        Gate.DISCARD,
        Gate.RESTART_COOLDOWN,
        Gate.BUDGET,
        Gate.DRY_RUN,
    }
)
"""The gates that ask nothing about a session."""


def decide_restart(situation: Situation, memory: Memory, policy: Policy, now_s: float) -> Decision | None:
    """Return what to do about a gateway that has been gone, or unresponsive, for longer than its bound.

    ``None`` before that bound, and always without a ``restart_command``: a gateway is not restarted because its
    sessions are silent, nor when it ended after a drain, which is a person's way to stop it. One whose drain is past
    its bound (``wait_bounds.drain``) and that still exists counts as unresponsive.
    """
    if not policy.restart_command or memory.restarting is not None or memory.down_since_s is None:
        return None
    down_s = now_s - memory.down_since_s
    if down_s < policy.restart_after_s:
        return None
    return judge(_request(situation, memory, policy, now_s, down_s), [g for g in GATES if g[0] in GATEWAY_GATES])


def _request(situation: Situation, memory: Memory, policy: Policy, now_s: float, down_s: float) -> Request:
    gone = situation.vitals.state is VitalsState.GONE
    reason = Reason.TARGET_GONE if gone else Reason.TARGET_UNRESPONSIVE
    what = "drain of the gateway" if situation.vitals.state is VitalsState.DRAINING else "gateway"
    facts = (("activity", what), ("silence_s", round(down_s, 3)), ("limit_s", policy.restart_after_s))
    verdict = Verdict(
        GATEWAY, Attention.STUCK, reason, "vitals", evidence_class=EvidenceClass.CERTAIN, remedy=Remedy.NONE,
        eligible=True, evidence=facts,
    )  # fmt: skip
    patient = Patient(
        GATEWAY, reason, certain=True, sick_since_s=now_s - down_s, generation=None, run_id=None, handle=None,
        progress_s=None, attempts=len(memory.restarts_s),
    )  # fmt: skip
    session = Session(GATEWAY)
    return Request(ActionKind.RESTART_TARGET, session, verdict, patient, situation, memory, policy, now_s)
