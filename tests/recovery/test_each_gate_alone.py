"""Each gate alone prevents harm: every other gate passes, without this one the action would be taken.

Each case stands on both sides of its gate's limit, and is named after the report it comes from where there is one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from livewatch.recovery.gates import GATES
from livewatch.recovery.memory import MassStall
from livewatch.recovery.policy import judge
from livewatch.recovery.request import Request
from livewatch_classifiers import Run, VitalsVerdict
from livewatch_classifiers.decision import Act, Hold
from livewatch_classifiers.vocabulary import ActionKind, EvidenceClass, Gate, Mode, Phase, Presence, VitalsState
from livewatch_exporters.attributes import NEVER_HELD_BY
from tests.recovery.fake_gateway import ALL, NOW_S, request, session, sick

Build = Callable[[], Request]


@dataclass(frozen=True)
class Case:
    """The same request twice: as it would do harm, and just beyond the limit of the one gate."""

    gate: Gate
    story: str
    harmful: Build
    harmless: Build


def at(kind: ActionKind = ActionKind.ABORT_RUN, **parts: Any) -> Request:
    """Return a request that all gates pass, with some facts of its parts replaced, as ``part__fact``."""
    given = request(kind)
    for name, value in parts.items():
        part, _, fact = name.partition("__")
        changed = replace(getattr(given, part), **{fact: value}) if fact else value
        given = replace(given, **{part: changed})
    return given


def ready(since_s: float, **parts: Any) -> Request:
    """Return a request to a gateway that became ready so many seconds ago."""
    given = at(**parts)
    look = given.situation.snapshot
    return replace(
        given,
        situation=replace(
            given.situation, snapshot=replace(look, vitals=replace(look.vitals, ready_s=NOW_S - since_s))
        ),
    )


def starting(phase: Phase) -> Request:
    given = at()
    look = given.situation.snapshot
    looks = replace(look, vitals=replace(look.vitals, phase=phase))
    return replace(given, situation=replace(given.situation, snapshot=looks))


def lane(**facts: Any) -> Request:
    """Return a release of the lane of a session that nobody owns, unless the facts say otherwise."""
    return at(ActionKind.RELEASE_LANE, session=session(**{"owner": Presence.ABSENT, **facts}))


def restart(**parts: Any) -> Request:
    return at(ActionKind.RESTART_TARGET, policy__mode=Mode.RESTART, policy__restart_cooldown_s=900.0, **parts)


def throws_away(queued: int, **parts: Any) -> Request:
    return at(session=session(queued=queued), situation__discards=frozenset({ActionKind.ABORT_RUN}), **parts)


def state(of: VitalsState) -> Request:
    return at(situation__vitals=VitalsVerdict(of))


def samples(count: int, **parts: Any) -> Request:
    return at(patient__samples=count, policy__confirm_silence=3, policy__confirm_certain=2, **parts)


PERSON: Any = lambda _key: "by a person"  # noqa: E731 -- one word for a callable
CERTAIN = sick(evidence_class=EvidenceClass.CERTAIN)
CASES = [
    Case(
        Gate.CAPABILITY,
        "a lever that the gateway does not have",
        lambda: at(situation__capabilities=ALL - {ActionKind.ABORT_RUN}),
        at,
    ),
    Case(Gate.MODE, "an operator who allowed releases only", lambda: at(policy__mode=Mode.RELEASE), at),
    Case(Gate.MODE, "a restart in mode abort", lambda: replace(restart(), policy=at().policy), restart),
    Case(Gate.OPERATOR_HOLD, "gsd-2 2676: a person's stop", lambda: at(situation__held=PERSON), at),
    Case(Gate.SINGLE_ACTOR, "a second agent on the same gateway", lambda: at(situation__may_act=False), at),
    Case(Gate.QUARANTINE, "OpenClaw 145152: the same repair 67 times a day", lambda: at(patient__quarantined=True), at),
    Case(
        Gate.STARTUP_GRACE,
        "OpenClaw 149538: cold starts of up to 13.5 min",
        lambda: ready(29.9, policy__startup_grace_s=30.0),
        lambda: ready(30.0, policy__startup_grace_s=30.0),
    ),
    Case(
        Gate.STARTUP_GRACE,
        "OpenClaw 74281: judged dead before it was ever ready",
        lambda: starting(Phase.STARTING),
        lambda: starting(Phase.READY),
    ),
    Case(
        Gate.RESUME_GRACE,
        "OpenClaw 148898: healthy runs aborted after the host slept",
        lambda: at(policy__resume_grace_s=10.0, memory__paused_s=NOW_S - 9.9),
        lambda: at(policy__resume_grace_s=10.0, memory__paused_s=NOW_S - 10.0),
    ),
    Case(
        Gate.RESPONSIVE,
        "OpenClaw 107415: the loop froze and the watchdog aborted healthy runs",
        lambda: state(VitalsState.UNRESPONSIVE),
        lambda: state(VitalsState.RESPONSIVE),
    ),
    Case(
        Gate.RESPONSIVE,
        "OpenClaw 84983: healthy again only for a moment",
        lambda: at(policy__healthy_for_s=5.0, memory__unhealthy_s=NOW_S - 4.9),
        lambda: at(policy__healthy_for_s=5.0, memory__unhealthy_s=NOW_S - 5.0),
    ),
    Case(Gate.CONFIRMED, "OpenClaw 144514: done in the same second", lambda: samples(2), lambda: samples(3)),
    Case(
        Gate.CONFIRMED,
        "a fact seen once may be a torn read",
        lambda: samples(1, verdict=CERTAIN),
        lambda: samples(2, verdict=CERTAIN),
    ),
    Case(
        Gate.GENERATION,
        "OpenClaw 92270: a retired incarnation was aborted four times",
        lambda: at(patient__generation=6),
        lambda: at(patient__generation=7),
    ),
    Case(
        Gate.GENERATION,
        "OpenClaw 84477: an unknown identity permits nothing",
        lambda: at(session=session(generation=None), patient__generation=None),
        at,
    ),
    Case(
        Gate.OWNER_ABSENT,
        "OpenClaw 85913: a lane released under a live owner",
        lambda: lane(owner=Presence.PRESENT),
        lane,
    ),
    Case(
        Gate.OWNER_ABSENT,
        "OpenClaw 90308: an owner of whom nothing is known",
        lambda: lane(owner=Presence.UNKNOWN),
        lane,
    ),
    Case(
        Gate.HANDLE_IDENTITY,
        "OpenClaw 109041: another run's handle",
        lambda: at(ActionKind.FORCE_CLEAR, patient__handle="h0"),
        lambda: at(ActionKind.FORCE_CLEAR),
    ),
    Case(
        Gate.HOLDER_FREE,
        "OpenClaw 105410: two runs on one session file",
        lambda: lane(holder=Presence.PRESENT),
        lane,
    ),
    Case(
        Gate.DISCARD,
        "OpenClaw 89208: queued messages lost with the lane",
        lambda: throws_away(1),
        lambda: throws_away(0),
    ),
    Case(
        Gate.DISCARD,
        "OpenClaw 94650: and allowed by the operator",
        lambda: throws_away(1),
        lambda: throws_away(1, policy__allow_discard=True),
    ),
    Case(
        Gate.ABORT_GRACE,
        "a run that somebody has just asked to end is asked again",
        lambda: at(session=session(run=Run("r1", NOW_S - 900, handle="h1", abort_requested_s=NOW_S - 1))),
        lambda: at(session=session(run=Run("r1", NOW_S - 900, handle="h1", abort_requested_s=NOW_S - 900))),
    ),
    Case(
        Gate.BACKOFF,
        "OpenClaw 109041: the same abort again and again",
        lambda: at(patient__next_action_s=NOW_S + 0.1),
        lambda: at(patient__next_action_s=NOW_S),
    ),
    Case(
        Gate.BLAST_RADIUS,
        "OpenClaw 95784: an outage of the provider aborted everybody",
        lambda: at(memory__mass=MassStall(NOW_S - 9, canary="another")),
        lambda: at(memory__mass=MassStall(NOW_S - 9, cleared=True)),
    ),
    Case(
        Gate.BLAST_RADIUS,
        "the next canary has its time too",
        lambda: at(memory__mass=MassStall(NOW_S - 9, next_canary_s=NOW_S + 0.1)),
        lambda: at(memory__mass=MassStall(NOW_S - 9, next_canary_s=NOW_S)),
    ),
    Case(
        Gate.RESTART_COOLDOWN,
        "zylos 789: a busy gateway restarted again and again",
        lambda: restart(memory__restarts_s=(NOW_S - 899.9,)),
        lambda: restart(memory__restarts_s=(NOW_S - 900.0,)),
    ),
    Case(
        Gate.BUDGET,
        "OpenClaw 73510: a loop of repairs",
        lambda: at(memory__sent_s=(NOW_S - 1.0,) * 10),
        lambda: at(memory__sent_s=(NOW_S - 1.0,) * 9),
    ),
    Case(
        Gate.BUDGET,
        "restarts have fewer",
        lambda: restart(memory__restarts_s=(NOW_S - 2000.0, NOW_S - 1000.0)),
        lambda: restart(memory__restarts_s=(NOW_S - 1000.0,)),
    ),
    Case(Gate.DRY_RUN, "only asked what would happen", lambda: at(policy__dry_run=True), at),
]
CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.gate.value}: {case.story}")


@CASE
def test_this_gate_and_no_other_prevents_the_action(case: Case) -> None:
    harmful = case.harmful()
    held = judge(harmful)

    assert isinstance(held, Hold)
    assert held.gate is case.gate
    assert held.detail
    assert [gate for gate, predicate in GATES if predicate(harmful) is not None] == [case.gate]
    assert isinstance(judge(harmful, [check for check in GATES if check[0] is not case.gate]), Act)


@CASE
def test_beyond_its_limit_the_action_is_taken(case: Case) -> None:
    assert isinstance(judge(case.harmless()), Act)


def test_every_gate_has_a_case() -> None:
    assert {case.gate for case in CASES} == {gate for gate, _ in GATES} == set(Gate) - {Gate.NONE}


@pytest.mark.parametrize("kind", sorted(NEVER_HELD_BY), ids=str)
def test_a_gate_that_is_not_counted_for_an_action_never_holds_it(kind: ActionKind) -> None:
    """The metric of decisions leaves these pairs out: whatever the facts, they cannot happen."""
    gates = dict(GATES)
    facts = [replace(build(), kind=kind) for case in CASES for build in (case.harmful, case.harmless)]
    facts += [replace(one, session=replace(one.session, owner=owner)) for one in facts for owner in Presence]

    assert [gate for gate in NEVER_HELD_BY[kind] for one in facts if gates[gate](one) is not None] == []
    counted = [gate for gate in gates if any(gates[gate](one) is not None for one in facts)]
    assert set(counted) <= set(Gate) - set(NEVER_HELD_BY[kind])
