"""A dictionary that goes on changing, and frozen views of what it was, at the cost of what changed and not of its size.

The newest view reads the dictionary itself; an older one first looks at what has changed since, as it was before
(H. G. Baker, "Shallow binding makes functional arrays fast", 1991). A view costs memory only while somebody keeps it
or an older one.
"""

import contextlib
from collections.abc import Collection, ItemsView, Iterator, Mapping, Sequence, ValuesView
from itertools import repeat
from typing import Any, Generic, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")
_ABSENT: Any = object()


class View(Mapping[K, V]):
    """What a `Versions` was at one moment. Any thread may read it while the dictionary goes on changing."""

    __slots__ = ("_now", "_size", "later", "was")

    def __init__(self, now: dict[K, V]) -> None:
        """Freeze ``now`` as it is: whoever writes to it notes the former value with `note` first."""
        self._now = now
        self._size = len(now)
        self.was: dict[K, V] = {}
        """What has changed since, as it was before; replaced, never written to."""
        self.later: View[K, V] | None = None
        """Where the changes after those are noted."""

    @property
    def outdated(self) -> bool:
        """Whether anything has changed since."""
        return bool(self.was)

    def note(self, changing: Collection[K]) -> None:
        """Keep the values of the keys that are about to change."""
        absent = cast("V", _ABSENT)
        values = map(self._now.get, changing, repeat(absent))
        found = dict(zip(changing, values, strict=True))
        self.was = found | self.was if self.was else found

    def __getitem__(self, key: K) -> V:
        """Return the value that stood there.

        Raises:
            KeyError: when none did.
        """
        value = cast("V", self._now.get(key, _ABSENT))  # before the differences: a change is noted there first
        if self.was or self.later is not None:
            value = next((was[key] for was in self._since() if key in was), value)
        if value is _ABSENT:
            raise KeyError(key)
        return value

    def pick(self, keys: Sequence[K]) -> list[V]:
        """Return the values of many keys.

        Raises:
            KeyError: when one of them has none.
        """
        with contextlib.suppress(KeyError):
            values = list(map(self._now.__getitem__, keys))
            if not self.was and self.later is None:  # a change is noted before it is made
                return values
        return [self[key] for key in keys]

    def __len__(self) -> int:
        """Return how many keys there were."""
        return self._size

    def __iter__(self) -> Iterator[K]:
        """Yield the keys."""
        return iter(self._whole())

    def items(self) -> ItemsView[K, V]:
        """Return keys and values, copied at once."""
        return self._whole().items()

    def values(self) -> ValuesView[V]:
        """Return the values, copied at once."""
        return self._whole().values()

    def __repr__(self) -> str:
        """Return it as the dictionary that it was."""
        return f"{type(self).__name__}({self._whole()})"

    def _whole(self) -> dict[K, V]:
        whole = self._now.copy()
        for was in reversed(list(self._since())):
            for key, value in was.items():
                if value is _ABSENT:
                    whole.pop(key, None)
                else:
                    whole[key] = value
        return whole

    def _since(self) -> Iterator[dict[K, V]]:
        """Yield the differences, the oldest first: the first one that knows a key is right about it."""
        view: View[K, V] | None = self
        while view is not None:
            yield view.was
            view = view.later


class Versions(Generic[K, V]):
    """The dictionary. One thread at a time may change it."""

    def __init__(self, now: dict[K, V] | None = None) -> None:
        """Begin with ``now``, which nobody else may write to."""
        self.now: Mapping[K, V] = (writable := {} if now is None else now)
        """What stands there at present, to be read only."""
        self._now = writable
        self._view = View(writable)

    def change(self, new: Mapping[K, V], gone: Collection[K] = ()) -> None:
        """Put every pair of ``new``, and remove the keys in ``gone``."""
        if new or gone:
            self._view.note((*new, *gone))
            self._now.update(new)
            for key in gone:
                self._now.pop(key, None)

    def view(self) -> View[K, V]:
        """Return what stands there now; the same view as before where nothing has changed."""
        if self._view.outdated:
            self._view.later = view = View(self._now)
            self._view = view
        return self._view
