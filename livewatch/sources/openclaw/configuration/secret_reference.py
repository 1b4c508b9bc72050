"""Secret references, ``{source, provider, id}``: a variable, a file, OpenClaw's own store; never a program."""

import contextlib
import json
import os
import re
import sqlite3
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from livewatch.sources.openclaw.configuration.paths import state_folder, user_path
from livewatch.sources.openclaw.configuration.reader import Configuration
from livewatch.sources.openclaw.shapes import table

_SOURCES = ("env", "file", "exec", "store")
_USUAL = "default"
_OTHERS = 0o077
_LARGEST_BYTES = 1 << 20
_STORED = """SELECT value FROM secret_store_entries
WHERE scope_kind = 'team' AND scope_id = '' AND name = ? AND deleted_at_ms IS NULL"""
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class Unresolved(Exception):  # noqa: N818 -- reads as what happened
    """A reference that is not resolved; the text says why, without any value."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is."""

    source: str
    provider: str
    id: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"secret reference {self.source}:{self.provider}:{self.id}"


def as_reference(value: Any, defaults: Mapping[str, Any]) -> SecretReference | None:
    """Return the reference that a value is; an older one names no provider."""
    fields = table(value)
    source, provider, name = fields.get("source"), fields.get("provider"), fields.get("id")
    if not isinstance(source, str) or source not in _SOURCES or not isinstance(name, str) or not name.strip():
        return None
    if provider is None:
        usual = defaults.get(source)
        provider = usual if isinstance(usual, str) and usual.strip() else _USUAL
    return SecretReference(source, provider.strip(), name.strip()) if isinstance(provider, str) else None


def resolve(reference: SecretReference, configuration: Configuration) -> str:
    """Return the secret.

    Raises:
        Unresolved: when it cannot be read, must not be, or is not a text.
    """
    secrets = table(configuration.document.get("secrets"))
    provider = table(table(secrets.get("providers")).get(reference.provider))
    usual = table(secrets.get("defaults")).get(reference.source, _USUAL)
    if provider.get("source") != reference.source:
        if reference.source not in ("env", "store") or reference.provider != usual:
            raise Unresolved(f"secrets.providers has no {reference.provider} of source {reference.source}")
        provider = {}
    if reference.source == "exec":
        raise Unresolved("livewatch starts no program that another configuration names")
    readers = {"env": _from_environment, "file": _from_file, "store": _from_store}
    found = readers[reference.source](reference, provider, configuration)
    if not isinstance(found, str) or not found.strip():
        raise Unresolved("what is there is not a text, or is empty")
    return found.strip()


def _from_environment(reference: SecretReference, provider: Mapping[str, Any], configuration: Configuration) -> Any:
    allowed = provider.get("allowlist")
    if isinstance(allowed, list) and reference.id not in allowed:
        raise Unresolved(f"{reference.id} is not on the allowlist of its provider")
    if not configuration.environ.get(reference.id, "").strip():
        raise Unresolved(f"{reference.id} is not set for livewatch")
    return configuration.environ[reference.id]


def _from_file(reference: SecretReference, provider: Mapping[str, Any], configuration: Configuration) -> Any:
    named = provider.get("path")
    if not isinstance(named, str) or not named.strip():
        raise Unresolved("its provider names no file")
    path = user_path(named, configuration.environ)
    text = _private(path).decode("utf-8", "replace").removeprefix("\ufeff")
    if provider.get("mode") == "singleValue":
        if reference.id != "value":
            raise Unresolved("a file with a single value has the id value only")
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Unresolved(f"{path} is not JSON") from None  # not chained: the error carries the text
    return _at(document, reference.id, path)


def _from_store(reference: SecretReference, _: Mapping[str, Any], configuration: Configuration) -> Any:
    path = state_folder(configuration.environ) / "state" / "openclaw.sqlite"
    if not path.exists():
        raise Unresolved(f"OpenClaw's store {path} is not there")
    if path.stat().st_mode & _OTHERS:
        raise Unresolved(f"{path} can be read by others; chmod 600 {path}")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)) as database:
            row = database.execute(_STORED, (reference.id,)).fetchone()
    except sqlite3.Error as error:
        raise Unresolved(f"OpenClaw's store {path} cannot be read ({type(error).__name__})") from None
    if row is None:
        raise Unresolved(f"{path} has no entry of that name")
    return row[0]


def _private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Unresolved(f"{path} is not a regular file")
            if found.st_mode & _OTHERS:
                raise Unresolved(f"{path} can be read by others; chmod 600 {path}")
            if os.geteuid() not in (0, found.st_uid) and found.st_uid != 0:
                raise Unresolved(f"{path} belongs to somebody else")
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise Unresolved(f"{path} cannot be read ({error.strerror})") from None
    except ValueError:
        raise Unresolved("its provider's path is no path") from None
    if len(data) > _LARGEST_BYTES:
        raise Unresolved(f"{path} is too large")
    return data


def _at(document: Any, pointer: str, path: Path) -> Any:
    """Return what a JSON pointer names."""
    if not pointer.startswith("/"):
        raise Unresolved("the id in a file of JSON starts with /")
    current: Any = document
    for part in pointer[1:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        items: list[Any] = current if isinstance(current, list) else []  # pyright: ignore[reportUnknownVariableType]
        if _INDEX.fullmatch(name) and int(name) < len(items):
            current = items[int(name)]
        elif isinstance(current, dict) and name in current:
            current = cast("dict[str, Any]", current)[name]
        else:
            raise Unresolved(f"{path} has nothing at that id")
    return current
