"""How sessions are named in what leaves the host, also inside of free text."""

from livewatch_exporters.session_ids import SessionIds, SessionNames, keys_in

KEY = "wa:+4915112345678:anna"


def names(mode: SessionIds) -> SessionNames:
    return SessionNames(mode, "this agent")


def test_a_key_inside_of_a_text_is_replaced_by_what_stands_for_it_elsewhere() -> None:
    hashed = names(SessionIds.HASH)
    (name,) = hashed.attributes(KEY).values()

    assert hashed.without_keys(f"owner: {KEY} is alive ({KEY}.18)", [KEY]) == f"owner: {name} is alive ({name}.18)"
    assert names(SessionIds.NONE).without_keys(f"not {KEY}", [KEY]) == "not [session]"
    assert names(SessionIds.RAW).without_keys(f"not {KEY}", [KEY]) == f"not {KEY}"


def test_a_short_key_is_meant_only_where_it_stands_alone_and_a_longer_one_goes_first() -> None:
    hidden = names(SessionIds.NONE)

    assert hidden.without_keys("main remains in domain: main.", ["main"]) == "[session] remains in domain: [session]."
    assert (
        hidden.without_keys("agent:main:anna, agent:main", ["agent:main", "agent:main:anna"]) == "[session], [session]"
    )
    assert hidden.without_keys("nothing", ["", "x"]) == "nothing"
    assert hidden.without_keys("a.b+(c", ["a.b+(c"]) == "[session]"


def test_a_run_is_hashed_because_its_id_may_be_made_of_the_key() -> None:
    run = f"{KEY}.18"

    assert names(SessionIds.RAW).run(run) == run
    assert names(SessionIds.NONE).run(run) is None
    hashed = names(SessionIds.HASH).run(run)
    assert hashed is not None
    assert len(hashed) == 16
    assert KEY not in hashed
    assert SessionNames(SessionIds.HASH, "another agent").run(run) != hashed


def test_the_members_of_a_circle_are_keys_too() -> None:
    assert keys_in("a", {"circle": "a > b > a"}) == ["a", "a", "b", "a"]
    assert keys_in(None, None) == []
    assert keys_in("a", {"queued": 3}) == ["a"]
