"""A journal as rounds: its looks around incidents, with what was said and done at the time. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import chain
from math import inf, isinf
from typing import Any, cast

from livewatch.recordings.entry import Entry, Said
from livewatch.recovery.journal.records import EventKind, History, StoredEvent, StoredIntent
from livewatch.recovery.rounds import Circumstances, Round
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Completed, Reply, ReplyStatus
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind

_EVERYTHING = frozenset(ActionKind) - {ActionKind.RESTART_TARGET}


def journal_entries(history: History, target: str, thresholds: Thresholds, policy: Policy) -> Iterator[Entry]:
    """Yield a round for each look that the journal kept of one gateway, in order.

    A journal keeps a look every 2 to 60 s around incidents, of the sessions concerned. Labels and actions come out
    later than with a look per second, and sessions that were well are missing; `Entry.sparse` says so.

    Args:
        history: the journal, read with its frames.
        target: the gateway.
        thresholds: the limits that were in force; a journal does not know them. Likewise ``policy``.
        policy: see ``thresholds``.
    """
    events = deque(stored for stored in history.events if stored.target == target)
    sent = deque(intent for intent in history.intents if intent.target == target)
    settled = deque(
        sorted((intent for intent in sent if intent.settled_wall_s is not None), key=lambda i: i.settled_wall_s or 0.0)
    )
    labels: dict[str, str] = {}
    life: int | None = None
    frames = [frame for frame in history.frames if frame.target == target]
    following_s = chain((frame.wall_s for frame in frames[1:]), (inf,))
    for frame, next_s in zip(frames, following_s, strict=False):  # a journal may hold no look at all
        began, life = life != frame.life, frame.life
        while events and events[0].event.wall_s <= frame.wall_s:
            _label(labels, events.popleft())
        acts: list[StoredIntent] = []  # an action was decided on the look that was kept with it
        while sent and sent[0].wall_s < next_s:
            acts.append(sent.popleft())
        over: list[StoredIntent] = []
        while settled and ((settled[0].settled_wall_s or 0.0) <= frame.wall_s or isinf(next_s)):
            over.append(settled.popleft())
        snapshot = frame.snapshot
        taken = Round(
            snapshot.vitals.now_s,
            frame.wall_s,
            snapshot,
            circumstances=Circumstances(_EVERYTHING),
            completed=tuple(done for done in map(_completed, over) if done is not None),
            acts=tuple(Act(intent.action, intent.verdict) for intent in acts),
            began=began,
        )
        known = {key: label for key, label in labels.items() if key in snapshot.sessions}
        said = Said(labels=known, acts=tuple(intent.action for intent in acts))
        yield Entry(target, taken, said, thresholds, policy, sparse=True)


def _label(labels: dict[str, str], stored: StoredEvent) -> None:
    event = stored.event
    if event.kind is not EventKind.TRANSITION or event.session is None:
        return
    after = cast("Mapping[str, Any] | None", event.data.get("after"))
    if after is None:
        labels.pop(event.session, None)
    else:
        labels[event.session] = f"{after['attention']}/{after['reason']}"


def _completed(intent: StoredIntent) -> Completed | None:
    if intent.outcome is None or intent.settled_monotonic_s is None:
        return None
    reply = intent.reply or Reply(ReplyStatus.TIMED_OUT, "not known any more")
    return Completed(
        intent.action, intent.verdict, reply, intent.outcome, intent.monotonic_s, intent.monotonic_s,
        intent.settled_monotonic_s, intent.detail,
    )  # fmt: skip
