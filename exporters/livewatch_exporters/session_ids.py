"""How sessions are named in what leaves the host: their keys can hold account ids."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import cast

_DIGEST_BYTES = 8
_LONG = 8
_SOME_SESSION = "[session]"
CIRCLE_JOINT = " > "
"""What stands between the sessions of a circle in a verdict's evidence."""


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

    @property
    def raw(self) -> bool:
        """Whether sessions are named as they are."""
        return self._mode is SessionIds.RAW

    def attributes(self, key: str) -> dict[str, str]:
        """Return the attributes that say which session is meant; empty when none may."""
        if self._mode is SessionIds.NONE:
            return {}
        if self._mode is SessionIds.RAW:
            return {"livewatch.session.key": key}
        return {"livewatch.session.hash": self._digest(key)}

    def run(self, run_id: str) -> str | None:
        """Return what stands for a run: its id may be made of its session's key; ``None`` when nothing may."""
        match self._mode:
            case SessionIds.RAW:
                return run_id
            case SessionIds.HASH:
                return self._digest(run_id)
            case SessionIds.NONE:
                return None

    def without_keys(self, text: str, keys: Iterable[str]) -> str:
        """Return a free text with these sessions named as `attributes` names them: a gateway's answer may quote one."""
        if self._mode is SessionIds.RAW:
            return text
        for key in sorted(set(keys), key=len, reverse=True):
            if key and key in text:
                # A short key is only meant where it stands alone: "main" is not meant in "remains".
                pattern = re.escape(key) if len(key) >= _LONG else rf"(?<!\w){re.escape(key)}(?!\w)"
                name = _SOME_SESSION if self._mode is SessionIds.NONE else self._digest(key)
                text = re.sub(pattern, name, text)
        return text

    def _digest(self, text: str) -> str:
        return blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES, key=self._secret).hexdigest()


def keys_in(session: object, evidence: object) -> list[str]:
    """Return the keys that a decision's texts may hold: its own session's, and those of a circle of waits."""
    circle = cast("Mapping[str, object]", evidence).get("circle") if isinstance(evidence, Mapping) else None
    others = circle.split(CIRCLE_JOINT) if isinstance(circle, str) else []
    return [*([session] if isinstance(session, str) else []), *others]
