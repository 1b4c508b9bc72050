"""What `decide` never does, over random histories."""

from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch.recovery.memory import Memory
from livewatch.recovery.policy import decide
from livewatch_classifiers import Run
from livewatch_classifiers.decision import Act, Completed, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import Attention, Outcome, Presence, Remedy
from tests.recovery.fake_gateway import NOW_S, POLICY, RESPONSIVE, session, sick, situation, snapshot, well

STEPS = st.lists(
    st.tuples(
        st.integers(1, 400),
        st.lists(
            st.tuples(
                st.booleans(),
                st.sampled_from([None, 7, 8]),
                st.sampled_from(["r1", "r2"]),
                st.sampled_from([Remedy.ABORT_RUN, Remedy.RELEASE_LANE]),
                st.sampled_from(Presence),
                st.sampled_from(Outcome),
            ),
            min_size=1,
            max_size=8,
        ),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_no_key_is_sent_twice_no_budget_exceeded_and_nothing_unknown_or_stale_acted_on(
    steps: list[tuple[int, list[tuple[bool, int | None, str, Remedy, Presence, Outcome]]]],
) -> None:
    memory, now_s, keys, sent_s = Memory(), NOW_S, set[str](), list[float]()
    for after_s, rows in steps:
        now_s += after_s
        sessions = {
            f"s{n}": session(f"s{n}", generation=row[1], run=Run(row[2], handle="h1"), owner=row[4])
            for n, row in enumerate(rows)
        }
        verdicts = {f"s{n}": sick(f"s{n}", row[3]) if row[0] else well(f"s{n}") for n, row in enumerate(rows)}
        snap = snapshot(*sessions.values(), now_s=now_s)
        memory = memory.observed(snap, verdicts, RESPONSIVE, POLICY, now_s)
        for decision in decide(situation(snap, verdicts), memory, POLICY, now_s):
            if not isinstance(decision, Act):
                continue
            action, seen = decision.action, sessions[decision.action.session]
            assert action.idempotency_key not in keys
            assert action.generation is not None
            assert action.generation == seen.generation
            assert verdicts[action.session].attention is not Attention.NONE
            assert action.kind.value not in ("release_lane", "evict_session") or seen.owner is Presence.ABSENT
            keys.add(action.idempotency_key)
            sent_s.append(now_s)
            memory = memory.sent(action, now_s)
            outcome = rows[int(action.session[1:])][5]
            done = Completed(action, decision.verdict, Reply(ReplyStatus.DONE), outcome, now_s, now_s, now_s)
            memory = memory.completed(done, POLICY, now_s)
        assert len([t for t in sent_s if now_s - t < POLICY.budget_window_s]) <= POLICY.budget_actions
