"""The lists of who may: what they may hold, and where they cannot be kept."""

import grp
import os
import pwd
import socket

import pytest

from livewatch.guard.access import Access, AccessError, Right
from livewatch.guard.owner import GatewayOwner
from livewatch.guard.peer import Peer, peers_are_known

EVERY_RIGHT = list(Right)
ROOT_USER = pwd.getpwuid(0).pw_name
ROOT_GROUP = grp.getgrgid(0).gr_name


@pytest.mark.parametrize("right", EVERY_RIGHT)
def test_root_and_the_servers_own_user_may_and_nobody_else_does_by_default(right: Right) -> None:
    access = Access(own_uid=1000)

    assert [access.permits(Peer(uid), right) for uid in (0, 1000, 1001, 65534)] == [True, True, False, False]


def test_readers_may_read_operators_may_both_and_group_members_count_as_listed() -> None:
    access = Access.of(["2001", "@3001"], ["2002", "@3002"])
    asked = {
        name: [access.permits(peer, right) for right in (Right.READ, Right.ACT)]
        for name, peer in {
            "reader": Peer(2001),
            "of the readers' group": Peer(9, frozenset({5, 3001})),
            "operator": Peer(2002),
            "of the operators' group": Peer(9, frozenset({3002})),
            "whose uid is their group's number": Peer(3002),
            "whose group is their uid's number": Peer(9, frozenset({2002})),
        }.items()
    }

    assert asked == {
        "reader": [True, False],
        "of the readers' group": [True, False],
        "operator": [True, True],
        "of the operators' group": [True, True],
        "whose uid is their group's number": [False, False],
        "whose group is their uid's number": [False, False],
    }


def test_names_are_looked_up_and_a_refusal_says_who_may() -> None:
    access = Access.of([ROOT_USER, f"@{ROOT_GROUP}"], ["2002"])

    assert access.readers.uids == {0}
    assert access.readers.gids == {0}
    said = access.refusal(Peer(77), Right.ACT)
    assert "may not act here" in said
    assert said.endswith("2002 may")
    assert access.refusal(Peer(77), Right.READ).endswith(f"@{ROOT_GROUP} may")


@pytest.mark.parametrize("word", ["no-such-user-here", "@no-such-group-here", "", "@", "-1", "0x0"])
@pytest.mark.parametrize("which", ["readers", "operators"])
def test_somebody_who_is_not_known_is_refused_at_the_start(which: str, word: str) -> None:
    with pytest.raises(AccessError, match=f"{which}: there is no"):
        Access.of(**{which: [word]})


@pytest.mark.parametrize("word", ["65534", "@65534"])
def test_the_number_of_everybody_without_one_cannot_be_listed(word: str) -> None:
    """Whoever is not mapped into a user namespace looks as if they were this one."""
    with pytest.raises(AccessError, match="stands for every"):
        Access.of([word])


def test_lists_are_refused_where_the_system_does_not_say_who_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED")

    assert not peers_are_known()
    with pytest.raises(AccessError, match="mode 0600 then admits this user and root only"):
        Access.of(["2001"])
    assert Access.of().socket_mode == 0o600


def test_a_real_peer_is_known_with_its_groups_and_pid() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        peer = Peer.of(one)

    assert (peer.uid, peer.pid) == (os.geteuid(), os.getpid())
    assert set(os.getgroups()) | {os.getegid()} == peer.groups


def test_only_listing_somebody_opens_the_socket_to_others() -> None:
    assert [Access.of(*lists).socket_mode for lists in ([], [["2001"]], [[], ["2001"]])] == [0o600, 0o666, 0o666]


def test_the_owner_of_a_gateway_is_named_ours_or_to_root_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    named, unnamed = GatewayOwner.named("2001"), GatewayOwner.named(None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    as_user = [[owner.trusts(uid) for uid in (1000, 2001, 3001)] for owner in (unnamed, named)]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    as_root = [[owner.trusts(uid) for uid in (0, 2001, 3001)] for owner in (unnamed, named)]

    assert as_user == [[True, False, False], [True, True, False]]
    assert as_root == [[True, True, True], [True, True, False]]
    for word, said in (
        ("no-such-user-here", "owner: there is no user"),
        ("@0", "is a group"),
        ("", "there is no user"),
    ):
        with pytest.raises(AccessError, match=said):
            GatewayOwner.named(word)
