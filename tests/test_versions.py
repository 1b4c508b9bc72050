"""A view stays what it was, whatever becomes of the dictionary."""

from collections.abc import Callable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from livewatch.versions import Versions

KEYS = st.sampled_from("abcdef")
changes = st.tuples(st.dictionaries(KEYS, st.integers(0, 9), max_size=4), st.sets(KEYS, max_size=3))


@given(st.dictionaries(KEYS, st.integers(0, 9)), st.lists(changes, max_size=12), st.sets(st.integers(0, 12)))
def test_every_view_is_a_copy_of_its_moment(
    first: dict[str, int], history: list[tuple[dict[str, int], set[str]]], kept: set[int]
) -> None:
    versions, now = Versions(dict(first)), dict(first)
    views = [(versions.view(), dict(now))]
    for number, (new, removed) in enumerate(history):
        gone = removed - new.keys()
        versions.change(new, gone)
        now = {key: value for key, value in (now | new).items() if key not in gone}
        if number in kept:  # several changes may lie between two views
            views.append((versions.view(), dict(now)))
    assert dict(versions.now) == now
    for view, then in views:
        assert view == then
        assert dict(view.items()) == then
        assert sorted(view.values()) == sorted(then.values())
        assert len(view) == len(then)
        assert view.pick(sorted(then)) == [then[key] for key in sorted(then)]
        for key in "abcdef":
            assert view.get(key) == then.get(key)
            assert (key in view) == (key in then)


def test_without_a_change_it_is_the_same_view() -> None:
    versions = Versions({"a": 1})
    view = versions.view()
    versions.change({})
    assert versions.view() is view
    versions.change({"a": 2})
    assert versions.view() is not view


class Interrupted(dict[str, int]):
    """A dictionary into which another thread writes in the middle of a read."""

    def __init__(self, now: Mapping[str, int]) -> None:
        super().__init__(now)
        self.meanwhile: Callable[[], None] = lambda: None

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override] # narrower than dict's
        found = super().get(key, default)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return found


def test_a_change_in_the_middle_of_a_read_does_not_show() -> None:
    now = Interrupted({"a": 1, "b": 2})
    versions = Versions(now)
    view = versions.view()
    now.meanwhile = lambda: versions.change({"a": 5}, ["b"])
    assert view["a"] == 1
    assert view["b"] == 2
    assert versions.view()["a"] == 5
