"""What a journal tells of silence: the long ones, from the labels that came and went."""

from typing import Any

from livewatch.recovery.journal.records import Event, EventKind, History, Life, StoredEvent, StoredIntent, StoredLife
from livewatch.tuning.journal_silences import journal_silences
from livewatch.tuning.recommendation import Wanted, advise
from livewatch_classifiers import Thresholds, Verdict
from livewatch_classifiers.decision import Action
from livewatch_classifiers.vocabulary import ActionKind, Attention, Reason

SLOW = Reason.ACTIVE_MODEL_CALL_WITHOUT_PROGRESS
STALLED = Reason.ACTIVE_WORK_WITHOUT_PROGRESS


def change(number: int, wall_s: float, reason: Reason, silence_s: float = 0.0, session: str = "s") -> StoredEvent:
    evidence: dict[str, Any] = {"silence_s": silence_s, "activity": "model_call", "activity_name": "gpt"}
    after = {"attention": "x", "reason": reason, "evidence": evidence if silence_s else {}}
    return StoredEvent(number, 1, "gw", Event(wall_s, wall_s, EventKind.TRANSITION, session, {"after": after}))


def sent(wall_s: float, session: str) -> StoredIntent:
    action = Action(ActionKind.ABORT_RUN, session, "k", "", STALLED)
    return StoredIntent(1, "gw", wall_s, wall_s, action, Verdict(session, Attention.STALLED, STALLED, "13"))


def journal(*events: StoredEvent, intents: tuple[StoredIntent, ...] = ()) -> History:
    life = StoredLife(1, "gw", Life("t", 0.0, 0.0, 1, "0", ended_wall_s=2_000_000.0))
    return History((life,), events, intents)


def test_a_silence_lasts_from_before_its_label_to_the_end_of_its_last_label() -> None:
    told = journal_silences(
        journal(
            change(1, 1000.0, SLOW, 120.5),
            change(2, 1240.0, STALLED, 360.5),
            change(3, 1300.0, Reason.ACTIVE),
            change(4, 2000.0, SLOW, 120.5),
            change(5, 2030.0, Reason.IDLE),
        ),
        "gw",
        Thresholds(),
    )
    (sample,) = told.samples
    assert (list(sample.alive), list(sample.unknown)) == ([150.5, 420.5], [])
    assert (told.exposure_s, told.floor_s) == (2_000_000.0, 120.0)


def test_what_was_acted_on_or_never_ended_is_unknown() -> None:
    history = journal(
        change(1, 1000.0, STALLED, 361.0, "acted"),
        change(2, 1010.0, Reason.IDLE, session="acted"),
        change(3, 1100.0, STALLED, 361.0, "open"),
        change(4, 1200.0, Reason.ACTIVE, session="other"),
        intents=(sent(1003.0, "acted"),),
    )
    (sample,) = journal_silences(history, "gw", Thresholds()).samples
    assert (list(sample.alive), sorted(sample.unknown)) == ([], [371.0, 461.0])


def test_no_limit_below_what_a_journal_knows_is_ever_recommended() -> None:
    history = journal(*(change(n, n * 1000.0, *((SLOW, 121.0) if n % 2 else (Reason.IDLE,))) for n in range(1, 9)))
    for item in advise(journal_silences(history, "gw", Thresholds()), Wanted(1e6, 1e6)):
        assert item.warn_s is not None
        assert item.warn_s >= 120.0
