"""The one policy of both sockets: who may read, and who may act. Everybody else may neither."""

import grp
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from livewatch.guard.peer import Peer, peers_are_known
from livewatch.users import user_name

_ROOT = 0
_GROUP_SIGN = "@"
_PRIVATE, _FOR_THE_LISTED = 0o600, 0o666


class Right(StrEnum):
    """What one request asks for."""

    READ = "read"
    ACT = "act"


class AccessError(ValueError):
    """An allow list that cannot be used. The text is one line that says what to write instead."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Users and groups by number, and as they were written."""

    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()
    words: tuple[str, ...] = ()

    @classmethod
    def parse(cls, words: Sequence[str], where: str) -> "Allowed":
        """Return the users and groups of a list such as ``["alice", "1001", "@operators"]``.

        Raises:
            AccessError: for a user or group that is not known here, or that stands for everybody without a number.
        """
        uids = frozenset(_uid(word, where) for word in words if not word.startswith(_GROUP_SIGN))
        gids = frozenset(_gid(word, where) for word in words if word.startswith(_GROUP_SIGN))
        return cls(uids, gids, tuple(words))

    def holds(self, peer: Peer) -> bool:
        """Return whether this peer is among them."""
        return peer.uid in self.uids or not self.gids.isdisjoint(peer.groups)


@dataclass(frozen=True, slots=True)
class Access:
    """Root and the server's own user may do both; operators may act and read, readers may only read."""

    readers: Allowed = Allowed()
    operators: Allowed = Allowed()
    own_uid: int = field(default_factory=os.geteuid)

    @classmethod
    def of(cls, readers: Sequence[str] = (), operators: Sequence[str] = ()) -> "Access":
        """Return the policy with these allow lists.

        Raises:
            AccessError: when a list cannot be used, or this system cannot tell who connects.
        """
        if (readers or operators) and not peers_are_known():
            raise AccessError(
                "readers and operators cannot be told apart on this system, which does not say who connects "
                "(no SO_PEERCRED); leave both lists empty: mode 0600 then admits this user and root only"
            )
        return cls(Allowed.parse(readers, "readers"), Allowed.parse(operators, "operators"))

    @property
    def socket_mode(self) -> int:
        """Mode of the socket: others can connect only where some are listed, and each is looked at."""
        return _FOR_THE_LISTED if self.readers.words or self.operators.words else _PRIVATE

    def permits(self, peer: Peer, right: Right) -> bool:
        """Return whether this peer may."""
        if peer.uid in (_ROOT, self.own_uid) or self.operators.holds(peer):
            return True
        return right is Right.READ and self.readers.holds(peer)

    def refusal(self, peer: Peer, right: Right) -> str:
        """Say in one line who was refused, and who may."""
        listed = self.operators.words if right is Right.ACT else (*self.operators.words, *self.readers.words)
        who = ", ".join(dict.fromkeys((user_name(_ROOT), user_name(self.own_uid), *listed)))
        return f"{_told(peer.uid)} may not {right.value} here; {who} may"


def _told(uid: int) -> str:
    name = user_name(uid)
    return name if name.endswith(f" {uid}") else f"{name} (uid {uid})"


def _uid(word: str, where: str) -> int:
    try:
        uid = int(word) if _is_number(word) else pwd.getpwnam(word).pw_uid
    except KeyError:
        raise AccessError(f"{where}: there is no user {word!r} here; write a name, a uid or @GROUP") from None
    if uid == _overflow("overflowuid"):
        raise AccessError(f"{where}: {word} also stands for every user without a number here; name another")
    return uid


def _gid(word: str, where: str) -> int:
    name = word.removeprefix(_GROUP_SIGN)
    try:
        gid = int(name) if _is_number(name) else grp.getgrnam(name).gr_gid
    except KeyError:
        raise AccessError(f"{where}: there is no group {name!r} here; write @NAME or @GID") from None
    if gid == _overflow("overflowgid"):
        raise AccessError(f"{where}: {word} also stands for every group without a number here; name another")
    return gid


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _overflow(name: str) -> int:
    """Return the number that the kernel gives for whoever has none in this user namespace."""
    try:
        return int(Path("/proc/sys/kernel", name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 65534
