"""The whole configuration: which file, what it includes, and its variables."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from livewatch.sources.openclaw.configuration.includes import Includer
from livewatch.sources.openclaw.configuration.paths import configuration_path, environment_files, include_roots
from livewatch.sources.openclaw.configuration.problem import ConfigurationProblem
from livewatch.sources.openclaw.configuration.text import LARGEST_BYTES, parse
from livewatch.sources.openclaw.configuration.variables import configured, read_variables, substituted

_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Configuration:
    """What OpenClaw is configured to, as far as it can be read."""

    path: Path
    document: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """With includes and variables; empty when there is a problem."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """Our own variables, and below them those of OpenClaw's files."""
    from_files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Which of them come from a file, and from which."""
    missing: frozenset[str] = frozenset()
    """Variables to which the document refers, and which are not set."""
    written: Mapping[Path, Any] = field(default_factory=dict[Path, Any])
    """Each file of the configuration, as it stands there."""
    problem: str = ""
    """Why it cannot be read, in one line; empty when it was."""

    def open_file_with(self, secret: str) -> Path | None:
        """Return a file that holds ``secret`` and that others can read, if there is one."""
        holding = [path for path, value in self.written.items() if secret in _texts(value)]
        holding += [path for name, path in self.from_files.items() if self.environ[name].strip() == secret]
        return next((path for path in holding if open_to_others(path)), None)


def read_configuration(environ: Mapping[str, str], path: Path | None = None) -> Configuration:
    """Return OpenClaw's configuration; never raises, as a gateway can be watched without it.

    Args:
        environ: environment variables by which it is found, and to which it refers.
        path: the file, where it is not the one that OpenClaw itself would read.
    """
    path = path.absolute() if path is not None else configuration_path(environ)
    variables, origins = _with_files(environ)
    includer = Includer(path, include_roots(environ))
    try:
        document = includer.resolve(parse(_read(path), path))
        if not isinstance(document, dict):
            raise ConfigurationProblem(f"{path} does not hold an object")
        for name, value in configured(cast("dict[str, Any]", document)).items():
            if not variables.get(name, "").strip():
                variables[name], origins[name] = value, path
        missing = set[str]()
        document = substituted(document, variables, missing)
    except ConfigurationProblem as error:
        return Configuration(path, {}, variables, origins, problem=str(error))
    except RecursionError:
        return Configuration(path, {}, variables, origins, problem=f"{path} goes too deep")
    resolved = cast("dict[str, Any]", document)
    return Configuration(path, resolved, variables, origins, frozenset(missing), includer.files)


def open_to_others(path: Path) -> bool:
    """Return whether anybody but its owner can do anything with a file; so it is taken where that cannot be told."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return True


def _with_files(environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Path]]:
    variables, origins = dict(environ), dict[str, Path]()
    for path in environment_files(environ):
        for name, value in read_variables(path).items():
            if name not in variables:
                variables[name], origins[name] = value, path
    return variables, origins


def _texts(value: Any) -> Iterator[str]:
    """Return every text in a document, without surrounding blanks."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item.strip()
        elif isinstance(item, list):
            waiting.extend(item)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(item, dict):
            waiting.extend(cast("dict[str, Any]", item).values())


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigurationProblem(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationProblem(f"{path} is no path") from None
