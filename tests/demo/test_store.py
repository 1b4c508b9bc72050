from pathlib import Path

import pytest

from livewatch.demo.store import SessionStore, StoredSession


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.mark.parametrize("key", ["plain", "agent:main/../x", "mit Umlaut ü", "%2F", ".tmp"])
def test_a_session_comes_back_as_it_was_saved_whatever_its_key(folder: Path, key: str) -> None:
    session = StoredSession(key, "id-1", running=True, turns=3, pending=(("m1", "answer 2"),))
    SessionStore(folder).save(session)
    store = SessionStore(folder)
    assert store.load_all() == [session]
    assert store.keys() == {key}


def test_saving_replaces_and_leaves_no_temporary_file(folder: Path) -> None:
    store = SessionStore(folder)
    for turns in range(3):
        store.save(StoredSession("a", "id", turns=turns))
    assert [path.name for path in folder.iterdir()] == ["a.json"]
    assert store.load_all()[0].turns == 2


def test_the_keys_are_what_the_folder_says_now(folder: Path) -> None:
    store = SessionStore(folder)
    store.save(StoredSession("a", "id"))
    store.save(StoredSession("b", "id"))
    store.delete("a")
    store.delete("never-there")
    assert store.keys() == {"b"}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": "x"}', '{"key": "x", "id": "y", "pending": [], "more": 1}'])
def test_a_damaged_file_is_skipped_and_left_where_it_is(folder: Path, damage: str) -> None:
    store = SessionStore(folder)
    store.save(StoredSession("well", "id"))
    (folder / "damaged.json").write_text(damage, encoding="utf-8")
    assert [session.key for session in store.load_all()] == ["well"]
    assert (folder / "damaged.json").read_text(encoding="utf-8") == damage
