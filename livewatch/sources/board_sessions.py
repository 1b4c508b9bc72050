"""The sessions of one look at a board. They are decoded when somebody asks for them; most never are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter

from livewatch.sources.board_record import QUEUE_OF, decode, moment_s, outline
from livewatch.sources.column import Column
from livewatch.sources.record_glance import RESTING_NS, UNTOLD_NS, allowance_ns, glances
from livewatch.versions import View
from livewatch_classifiers.glance import TIMELESS_S, LazySessions, Outline, plain_since_s
from livewatch_classifiers.model import Session
from livewatch_classifiers.vocabulary import LaneKind

_FIELDS = tuple(field.name for field in fields(Session))
_BEFORE_PROGRESS = attrgetter(*_FIELDS[: _FIELDS.index("progress_s")])
_AFTER_PROGRESS = attrgetter(*_FIELDS[_FIELDS.index("progress_s") + 1 :])
_SESSION: Callable[..., Session] = Session


@dataclass(frozen=True, slots=True)
class Made:
    """A decoded session, and all that it was made of."""

    record: bytes
    progress_ns: int
    working_s: float | None
    session: Session


@dataclass(frozen=True, slots=True)
class Columns:
    """What one look found, by slot of the board."""

    records: View[int, bytes]
    progress: Column
    glances: Mapping[int, int]
    """What `record_glance` says of the records that are new in this look."""
    working_s: Mapping[int, float]
    """When the child of a slot was last seen working."""
    made: dict[int, Made]
    """Shared with the looks before and after, so that an unchanged session is the same object in all."""


class BoardSessions(LazySessions):
    """Sessions by key as they stood at one look. But for what it remembers to have made, it never changes."""

    __slots__ = ("_columns", "_moments", "_slots")

    def __init__(self, slots: View[str, int], columns: Columns) -> None:
        """Take the slot of each key, and what stands in the slots."""
        self._slots = slots
        self._columns = columns
        self._moments = columns.progress.words

    def __getitem__(self, key: str) -> Session:
        """Return the session, decoded now unless it was before.

        Threads may ask at once: each makes what it needs, and what the last one made is kept.

        Raises:
            KeyError: when there is none of that key.
        """
        slot, columns = self._slots[key], self._columns
        record, working_s, made = columns.records[slot], columns.working_s.get(slot), columns.made.get(slot)
        progress_ns = self._moments[slot]
        moved = made is None or made.progress_ns != progress_ns
        heard_now = moved and made is not None and not made.session.progress_known  # it says more than the moment
        if made is None or made.record is not record or made.working_s != working_s or heard_now:
            session = _working(decode(record, moment_s(progress_ns))[0], working_s)
        elif moved:
            before = made.session
            session = _SESSION(*_BEFORE_PROGRESS(before), moment_s(progress_ns), *_AFTER_PROGRESS(before))
        else:
            return made.session
        columns.made[slot] = Made(record, progress_ns, working_s, session)
        return session

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._slots)

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._slots)

    def __contains__(self, key: object) -> bool:
        """Return whether there is a session of that key."""
        return key in self._slots

    def __repr__(self) -> str:
        """Return the keys alone: a session is long."""
        return f"{type(self).__name__}({list(self._slots)})"

    def plain_since_s(self, keys: Sequence[str], within_s: float) -> list[float]:
        """Return the oldest moment of each plain session, see `glance.plain_since_s`."""
        slots, moments, within_ns = self._slots.pick(keys), self._moments, within_s * 1e9
        fresh = self._columns.glances
        others = [slot for slot in slots if slot not in fresh]
        older = dict(zip(others, glances(self._columns.records.pick(others)), strict=True))
        found: list[float] = []
        for key, slot in zip(keys, slots, strict=True):
            seen_ns = fresh[slot] if slot in fresh else older[slot]
            if seen_ns == RESTING_NS:
                found.append(TIMELESS_S)
            elif seen_ns == UNTOLD_NS or (seen_ns < 0 and allowance_ns(self._columns.records[slot]) < within_ns):
                found.append(plain_since_s(self[key], within_s))
            elif 0 < moments[slot] < abs(seen_ns):
                found.append(moments[slot] / 1e9)
            else:
                found.append(abs(seen_ns) / 1e9)
        return found

    def outlines(self, keys: Iterable[str]) -> Iterator[tuple[str, Outline]]:
        """Yield what is counted over sessions, none of which is decoded for that."""
        keys = list(keys)
        slots = self._slots.pick(keys)
        for key, slot, record in zip(keys, slots, self._columns.records.pick(slots), strict=True):
            yield key, outline(record, self._moments[slot])

    def queue_kinds(self, keys: Sequence[str]) -> frozenset[LaneKind]:
        """Return the kinds of lane of those sessions that tell how many turns wait."""
        records = self._columns.records.pick(self._slots.pick(keys))
        different = dict(zip(map(QUEUE_OF, records), records, strict=True)).values()
        told = [outline(record, 0) for record in different]
        return frozenset(facts.lane_kind for facts in told if facts.queued is not None)


def _working(session: Session | None, working_s: float | None) -> Session:
    assert session is not None  # the index names slots in use
    if working_s is None or session.activity is None:
        return session
    return replace(session, activity=replace(session.activity, working_s=working_s))
