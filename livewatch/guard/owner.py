"""Whose board and socket are believed: this user's, the one who was named, and to root anybody's unless one was."""

import os
from dataclasses import dataclass

from livewatch.guard.access import AccessError, Allowed
from livewatch.users import user_name

_ROOT = 0


@dataclass(frozen=True, slots=True)
class GatewayOwner:
    """The user as whom the gateway runs; ``None`` when nobody said."""

    uid: int | None = None

    @classmethod
    def named(cls, word: str | None) -> "GatewayOwner":
        """Return the owner of this name or uid.

        Raises:
            AccessError: when there is no such user here, or a group is named.
        """
        if word is None:
            return cls()
        uids = Allowed.parse((word,), "owner").uids
        if not uids:
            raise AccessError(f"owner: {word!r} is a group; write the one user as whom the gateway runs")
        return cls(next(iter(uids)))

    def trusts(self, uid: int) -> bool:
        """Return whether what belongs to ``uid`` is believed."""
        if self.uid is not None:
            return uid in (self.uid, os.geteuid())
        return os.geteuid() in (_ROOT, uid)

    @property
    def hint(self) -> str:
        """Say what to do about what is not believed."""
        if self.uid is not None:
            return f"target.owner names {user_name(self.uid)}; correct it, or the path"
        return "run livewatch as the gateway's user, or as root, or name that user in target.owner"
