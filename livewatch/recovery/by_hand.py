"""A repair that a person asked for: the same ladder, gates and actions; who asked travels with the action.

Three gates limit how far *automation* may go, and a person who has seen the evidence answers them: ``mode``,
``confirmed`` and ``quarantine``. Every other gate holds for people as well.
"""

from dataclasses import dataclass, replace

from livewatch.recovery.gates import GATES, Held
from livewatch.recovery.ladder import FIRST_RUNG, next_rung
from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.policy import action_of
from livewatch.recovery.request import Request, Situation
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Person
from livewatch_classifiers.vocabulary import ActionKind, EvidenceClass, Gate

ANSWERED_BY_A_PERSON = frozenset({Gate.MODE, Gate.CONFIRMED, Gate.QUARANTINE})


class NothingToDo(Exception):  # noqa: N818 -- reads as what happened
    """There is no such session, or no rung fits it; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person's request comes to."""

    act: Act
    patient: Patient
    gates: tuple[tuple[Gate, Held | None], ...]
    """Every gate, and why it holds the action; ``None`` where it passes."""

    @property
    def held(self) -> tuple[Gate, Held] | None:
        """The first gate that holds, or ``None`` when the action may go."""
        return next(((gate, held) for gate, held in self.gates if held is not None), None)


def judge_by_hand(
    situation: Situation,
    memory: Memory,
    policy: Policy,
    now_s: float,
    *,
    session: str,
    kind: ActionKind | None,
    who: Person,
) -> ByHand:
    """Return the action that was asked for (or the next rung) and what every gate says about it. Pure.

    Raises:
        NothingToDo: when there is no such session, or nothing was asked for and no rung fits its verdict.
    """
    facts, verdict = situation.snapshot.sessions.get(session), situation.verdicts.get(session)
    if facts is None or verdict is None:
        raise NothingToDo(f"no session {session!r}; `livewatch status` lists those that need attention")
    patient = memory.patients.get(session) or _admit(situation, session, now_s)
    chosen = kind or next_rung(verdict, facts, patient, situation.capabilities, policy)
    if chosen is None:
        names = ", ".join(sorted(rung.value for rung in situation.capabilities & set(FIRST_RUNG.values())))
        raise NothingToDo(
            f"no repair fits {session!r}, which is {verdict.attention.value}/{verdict.reason.value};"
            f" one of these can be asked for with --action: {names or 'none, as the gateway offers none'}"
        )
    request = Request(chosen, facts, verdict, patient, situation, memory, policy, now_s)
    gates = tuple((gate, None if gate in ANSWERED_BY_A_PERSON else predicate(request)) for gate, predicate in GATES)
    action = action_of(request)
    return ByHand(Act(replace(action, cause=f"by hand, {who}: {action.cause}", asked_by=who), verdict), patient, gates)


def _admit(situation: Situation, key: str, now_s: float) -> Patient:
    session, verdict = situation.snapshot.sessions[key], situation.verdicts[key]
    run = session.run
    return Patient(
        key=key,
        reason=verdict.reason,
        certain=verdict.evidence_class is EvidenceClass.CERTAIN,
        sick_since_s=now_s,
        generation=session.generation,
        run_id=run.id if run is not None else None,
        handle=run.handle if run is not None else None,
        progress_s=session.progress_s,
        sick=False,
    )
