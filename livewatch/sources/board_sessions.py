"""The sessions of one look at a board. They are decoded when somebody asks for them; most never are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter

from livewatch.sources.board_record import decode, moment_s, outline
from livewatch.sources.record_glance import RESTING_NS
from livewatch.versions import View
from livewatch_classifiers.glance import TIMELESS_S, LazySessions, Outline, plain_since_s
from livewatch_classifiers.model import Session

NOT_PLAIN_NS = -1
"""Stands for the oldest moment of a session that only the rules can judge."""
Believed = tuple[int, bytes, int, int]
"""Slot, record, and the oldest moment and allowance in ns as `record_glance` tells them.

A plain tuple, because the garbage collector lets go of those, and would go through objects again and again.
"""
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


class BoardSessions(LazySessions):
    """Sessions by key as they stood at one look. But for what it remembers to have made, it never changes."""

    __slots__ = ("_believed", "_made", "_moments", "_working_s")

    def __init__(
        self,
        believed: View[str, Believed],
        progress: bytes,
        working_s: Mapping[int, float],
        made: dict[int, Made],
    ) -> None:
        """Take what is believed by key, the column of progress, and when children were last seen working by slot.

        ``made`` is shared with the looks before and after, so that an unchanged session is the same object in all.
        """
        self._believed = believed
        self._moments = memoryview(progress).cast("q")
        self._working_s = working_s
        self._made = made

    def __getitem__(self, key: str) -> Session:
        """Return the session, decoded now unless it was before.

        Threads may ask at once: each makes what it needs, and what the last one made is kept.

        Raises:
            KeyError: when there is none of that key.
        """
        slot, record, _oldest_ns, _allowance_ns = self._believed[key]
        progress_ns, working_s, made = self._moments[slot], self._working_s.get(slot), self._made.get(slot)
        if made is None or made.record is not record or made.working_s != working_s:
            session = _working(decode(record, moment_s(progress_ns))[0], working_s)
        elif made.progress_ns != progress_ns:
            before = made.session
            session = _SESSION(*_BEFORE_PROGRESS(before), moment_s(progress_ns), *_AFTER_PROGRESS(before))
        else:
            return made.session
        self._made[slot] = Made(record, progress_ns, working_s, session)
        return session

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._believed)

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._believed)

    def __contains__(self, key: object) -> bool:
        """Return whether there is a session of that key."""
        return key in self._believed

    def __repr__(self) -> str:
        """Return the keys alone: a session is long."""
        return f"{type(self).__name__}({list(self._believed)})"

    def plain_since_s(self, keys: Sequence[str], within_s: float) -> list[float]:
        """Return the oldest moment of each plain session, see `glance.plain_since_s`."""
        believed, moments, within_ns = self._believed, self._moments, within_s * 1e9
        found: list[float] = []
        for key, (slot, _record, oldest_ns, allowance_ns) in zip(keys, believed.pick(keys), strict=True):
            if oldest_ns == RESTING_NS:
                found.append(TIMELESS_S)
            elif oldest_ns == NOT_PLAIN_NS or 0 < allowance_ns < within_ns:
                found.append(plain_since_s(self[key], within_s))
            elif 0 < moments[slot] < oldest_ns:
                found.append(moments[slot] / 1e9)
            else:
                found.append(oldest_ns / 1e9)
        return found

    def outlines(self) -> Iterator[tuple[str, Outline]]:
        """Yield what is counted over all sessions, none of which is decoded for that."""
        for key, (slot, record, _oldest_ns, _allowance_ns) in self._believed.items():
            yield key, outline(record, self._moments[slot])


def _working(session: Session | None, working_s: float | None) -> Session:
    assert session is not None  # the index names slots in use
    if working_s is None or session.activity is None:
        return session
    return replace(session, activity=replace(session.activity, working_s=working_s))
