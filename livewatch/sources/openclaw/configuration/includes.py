"""``$include``: one file in the place of an object, or several merged in order, with the object's other keys on top.

Taken from OpenClaw's `src/config/includes.ts`: at most ten levels, no circles, and no file outside of the
configuration's folder (or of ``OPENCLAW_INCLUDE_ROOTS``), neither by its path nor by where a link leads. A file with
several hard links is refused, as OpenClaw refuses it.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from livewatch.sources.openclaw.configuration.problem import ConfigurationProblem
from livewatch.sources.openclaw.configuration.text import LARGEST_BYTES, parse

KEY = "$include"
DEEPEST = 10
LONGEST_PATH = 4096
MOST_FILES = 1000
"""Each file may include many; OpenClaw has no bound for that, a watcher needs one."""
_UNMERGED = ("__proto__", "prototype", "constructor")


@dataclass(slots=True)
class Includer:
    """Resolves the includes of one configuration; `files` is what it read, by path, as it was written."""

    top: Path
    roots: Sequence[Path] = ()
    files: dict[Path, Any] = field(default_factory=dict[Path, Any])
    _count: int = 0

    def resolve(self, document: Any) -> Any:
        """Return the document with everything that it includes.

        Raises:
            ConfigurationProblem: when a file cannot be included, or ``$include`` is neither a text nor a list of texts.
        """
        self.files[self.top] = document
        return self._resolve(document, self.top, (self.top,))

    def _resolve(self, value: Any, file: Path, chain: tuple[Path, ...]) -> Any:
        if isinstance(value, list):
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            return [self._resolve(item, file, chain) for item in items]
        if not isinstance(value, dict):
            return value
        fields = cast("dict[str, Any]", value)
        rest = {key: self._resolve(item, file, chain) for key, item in fields.items() if key != KEY}
        if KEY not in fields:
            return rest
        included = self._included(fields[KEY], file, chain)
        if not rest:
            return included
        if not isinstance(included, dict):
            raise ConfigurationProblem(f"{file}: a {KEY} with other keys beside it needs a file that holds an object")
        return merged(included, rest)

    def _included(self, named: Any, file: Path, chain: tuple[Path, ...]) -> Any:
        if isinstance(named, str):
            return self._load(named, file, chain)
        names: list[Any] = named if isinstance(named, list) else []  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(named, list) or not all(isinstance(name, str) for name in names):
            raise ConfigurationProblem(f"{file}: {KEY} is neither the name of a file nor a list of them")
        together: Any = {}
        for name in names:
            together = merged(together, self._load(name, file, chain))
        return together

    def _load(self, name: str, file: Path, chain: tuple[Path, ...]) -> Any:
        path = self._path(name, file)
        if path in chain:
            raise ConfigurationProblem(f"{file} includes {path}, which includes it again")
        self._count += 1
        if len(chain) > DEEPEST or self._count > MOST_FILES:
            raise ConfigurationProblem(
                f"{file}: includes go deeper than {DEEPEST} files, or are more than {MOST_FILES}"
            )
        document = parse(_read(path), path)
        self.files[path] = document
        return self._resolve(document, path, (*chain, path))

    def _path(self, name: str, file: Path) -> Path:
        path = Path(os.path.normpath(file.parent / name))
        if "\0" in name or max(len(name), len(str(path))) >= LONGEST_PATH:
            raise ConfigurationProblem(f"{file}: the path of a {KEY} is too long, or has a null byte")
        allowed = [Path(os.path.normpath(root)) for root in (self.top.parent, *self.roots)]
        if not any(path.is_relative_to(root) for root in allowed):
            raise ConfigurationProblem(f"{file} includes {path}, outside of {self.top.parent}")
        if not any(_real(path).is_relative_to(_real(root)) for root in allowed):
            raise ConfigurationProblem(f"{file} includes {path}, a link that leads outside of {self.top.parent}")
        return path


def merged(below: Any, above: Any) -> Any:
    """Return two values as one: objects are merged key by key, lists are joined, of anything else ``above`` wins."""
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *above]
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    result = dict(cast("dict[str, Any]", below))
    for key, value in cast("dict[str, Any]", above).items():
        if key not in _UNMERGED:
            result[key] = merged(result[key], value) if key in result else value
    return result


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise ConfigurationProblem(f"{path} is included, and is not a regular file with one name")
            return opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigurationProblem(f"{path} is included, and cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationProblem(f"{path} is included, and is no path") from None
