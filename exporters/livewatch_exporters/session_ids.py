"""How sessions are named in what leaves the host: their keys can hold account ids."""

from enum import StrEnum
from hashlib import blake2b

_DIGEST_BYTES = 8


class SessionIds(StrEnum):
    """What spans and exported events say about which session they mean; local log lines always name it."""

    HASH = "hash"
    RAW = "raw"
    NONE = "none"


class SessionNames:
    """Names sessions; the same session has the same name after a restart of livewatch."""

    def __init__(self, mode: SessionIds, secret: str) -> None:
        self._mode = mode
        self._secret = secret.encode()[: blake2b.MAX_KEY_SIZE]

    def attributes(self, key: str) -> dict[str, str]:
        """Return the attributes that say which session is meant; empty when none may."""
        if self._mode is SessionIds.NONE:
            return {}
        if self._mode is SessionIds.RAW:
            return {"livewatch.session.key": key}
        digest = blake2b(key.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES, key=self._secret).hexdigest()
        return {"livewatch.session.hash": digest}
