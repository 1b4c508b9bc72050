"""The session store: one JSON file per session, replaced as a whole, listed when the gateway starts."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What outlives the process."""

    key: str
    id: str
    running: bool = False
    turns: int = 0
    pending: tuple[tuple[str, str], ...] = ()
    """Messages (id, text) that were accepted and not answered when the gateway ended."""


class SessionStore:
    """A folder of sessions. Every method is one short synchronous file operation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def save(self, session: StoredSession) -> None:
        """Write one session so that a reader sees the old or the new file, never a part."""
        path = self._path(session.key)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(session)), encoding="utf-8")
        temporary.replace(path)

    def delete(self, key: str) -> None:
        """Remove one session; it need not be there."""
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> frozenset[str]:
        """Return the keys of all stored sessions, as the folder says now."""
        with os.scandir(self._folder) as entries:
            return frozenset(unquote(e.name.removesuffix(".json")) for e in entries if e.name.endswith(".json"))

    def load_all(self) -> list[StoredSession]:
        """Return every readable session; a damaged file is left where it is and skipped."""
        sessions: list[StoredSession] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                fields = json.loads(path.read_text(encoding="utf-8"))
                fields["pending"] = tuple((str(i), str(text)) for i, text in fields["pending"])
                sessions.append(StoredSession(**fields))
            except (ValueError, TypeError, KeyError):
                continue
        return sessions

    def _path(self, key: str) -> Path:
        return self._folder / f"{quote(key, safe='')}.json"
