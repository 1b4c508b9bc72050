"""Settings: flag over ``LIVEWATCH_*`` over file over default, with the origin of each value.

The schema is the settings dataclasses themselves: a field ``warn_after_s`` of `Thresholds` is the key ``warn_after``
in ``[thresholds]``, the variable ``LIVEWATCH_WARN_AFTER`` and the flag ``--warn-after``.
"""

import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, cast

from livewatch.configuration.convert import convert_table, convert_value, nearest
from livewatch.configuration.sections import DURATIONS_BY, SECTIONS, TABLES, TABLES_OF, key_of, keys, section_of
from livewatch.configuration.settings import Settings, SourceKind


class ConfigError(Exception):
    """A setting that cannot be used. The text is one line that says where it stands and what to write instead."""


_DEFAULTS_OF: Mapping[SourceKind, Mapping[str, Any]] = {
    # What an unmodified gateway repeats is reported only, unless the operator asked for more; it pushes its events, so
    # that a look is cheap.
    SourceKind.OPENCLAW: {"thresholds.abort_repeating": False, "agent.interval": 0.5},
}
_SYSTEM_FILE = Path("/etc/livewatch/livewatch.toml")
_OTHERS_WRITE = 0o022
_RESERVED_VARIABLES = ("LIVEWATCH_CONFIG",)


def load_settings(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Settings:
    """Return the settings in force.

    Args:
        path: configuration file; ``None`` looks at ``$LIVEWATCH_CONFIG``, the XDG user file and ``/etc/livewatch``.
        environ: the environment; the process's own by default.
        flags: key to raw value as given on the command line; ``None`` values are not given.

    Raises:
        ConfigError: with one line that says where and what to write instead.
    """
    environ = os.environ if environ is None else environ
    chosen = path or _default_file(environ)
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins: dict[str, str] = {}
    if chosen is not None:
        _read_file(chosen, values, origins)
    in_file = dict(origins)
    warnings = _read_environment(environ, values, origins)
    for key, raw in (flags or {}).items():
        if raw is not None:
            section = section_of(key)
            values[section][key] = _convert(section, key, raw, f"--{key.replace('_', '-')}")
            origins[f"{section}.{key}"] = "flag"
    for name, value in _DEFAULTS_OF.get(values["target"].get("source", SourceKind.BOARD), {}).items():
        section, key = name.split(".")
        if key not in values[section]:
            values[section][key], origins[name] = value, "default of this source"
    built = {section: _build(section, values[section], origins) for section in SECTIONS}
    try:
        overridden = [
            f"{key} of {where}: a {_given_by(origins[key])}" for key, where in in_file.items() if origins[key] != where
        ]
        return Settings(**built, origins=origins, warnings=tuple(warnings), overridden=tuple(overridden))
    except ValueError as error:
        pair = ("agent.interval", "thresholds.warn_after")
        given = ", ".join(sorted({origins[name] for name in pair if name in origins}))
        raise ConfigError(f"{error} (set by {given})") from error


def all_problems(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return every reason for which `load_settings` would refuse file and environment, in order; empty if none.

    What belongs together, such as two limits that contradict each other, is looked at once the single values are right.
    """
    environ = os.environ if environ is None else environ
    chosen = path or _default_file(environ)
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    problems: list[str] = []
    if chosen is not None:
        try:
            _read_file(chosen, values, {}, problems)
        except ConfigError as error:  # the file as a whole
            problems.append(str(error))
    _read_environment(environ, values, {}, problems)
    if not problems:
        try:
            load_settings(path, environ=environ)
        except ConfigError as error:
            problems.append(str(error))
    return problems


def build_section(section: str, table: Mapping[str, Any]) -> Any:
    """Return the settings object of one section from a table as TOML gives it.

    Raises:
        ConfigError: with one line that names the key and says what to write instead.
    """
    known = [*keys(section), *TABLES_OF.get(section, ())]
    values: dict[str, Any] = {}
    for key, raw in table.items():
        if key not in known:
            raise ConfigError(f"unknown key {section}.{key}{nearest(key, known)}")
        values[key] = _convert(section, key, raw, f"{section}.{key}")
    return _build(section, values, {f"{section}.{key}": f"{section}.{key}" for key in values})


def read_file(path: Path) -> dict[str, dict[str, Any]]:
    """Return what one file sets, converted, by section and key; sections that it leaves out are empty.

    Raises:
        ConfigError: with one line that says where and what to write instead.
    """
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    _read_file(path, values, {})
    return values


def configuration_file(path: Path | None, environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that `load_settings` reads; ``None`` when there is none."""
    return path or _default_file(os.environ if environ is None else environ)


def _given_by(origin: str) -> str:
    return "flag was given at the start" if origin == "flag" else f"variable, {origin}, is set"


def user_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return where a user's own configuration is looked for; it need not be there."""
    base = (os.environ if environ is None else environ).get("XDG_CONFIG_HOME")
    return _user_file(base, os.environ.get("HOME"))


@cache
def _user_file(base: str | None, _home: str | None) -> Path:
    """Return it, made once: it is looked for all the time, and `sources/cgroup.py` says what a new `Path` costs."""
    return (Path(base) if base else Path.home() / ".config") / "livewatch" / "livewatch.toml"


def _default_file(environ: Mapping[str, str]) -> Path | None:
    if environ.get("LIVEWATCH_CONFIG"):
        return Path(environ["LIVEWATCH_CONFIG"])
    return next(
        (candidate for candidate in (user_file(environ), _SYSTEM_FILE) if candidate.exists()),
        None,
    )


def _read_file(
    path: Path, values: dict[str, dict[str, Any]], origins: dict[str, str], problems: list[str] | None = None
) -> None:
    """Read a file into ``values`` and ``origins``; with ``problems`` what is wrong is collected and left out.

    Raises:
        ConfigError: for the first wrong thing without ``problems``; always for a file that cannot be read at all.
    """
    try:
        text = _trusted_text(path)
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give an existing file with --config") from error
    except (ValueError, RecursionError) as error:  # also numbers and dates that no Python value can hold
        raise ConfigError(f"{path}: not valid TOML ({error})") from error
    for section, table in document.items():
        where = f"{path}:{_line(text, section, None)}"
        if section not in SECTIONS:
            home = next((name for name in SECTIONS if section in keys(name)), None)
            hint = f"; {section} belongs into [{home}]" if home is not None else nearest(section, SECTIONS)
            _refuse(f"{where}: unknown section [{section}]{hint}", problems)
            continue
        if not isinstance(table, dict):
            _refuse(f"{where}: [{section}] must be a table of keys", problems)
            continue
        known = [*keys(section), *TABLES_OF.get(section, ())]
        for key, raw in _flat(cast("dict[str, Any]", table), known).items():
            where = f"{path}:{_line(text, section, key)}"
            if key not in known:
                _refuse(f"{where}: unknown key {section}.{key}{nearest(key, known)}", problems)
                continue
            try:
                values[section][key] = _convert(section, key, raw, f"{where}: {section}.{key}")
            except ConfigError as error:
                _refuse(str(error), problems)
                continue
            origins[f"{section}.{key}"] = where


def _refuse(problem: str, problems: list[str] | None) -> None:
    if problems is None:
        raise ConfigError(problem)
    problems.append(problem)


def _trusted_text(path: Path) -> str:
    """Return what a file holds that nobody else may change: whoever can, decides what is run and repaired.

    Raises:
        ConfigError: when others may write it.
    """
    with path.open(encoding="utf-8") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode) and mode & _OTHERS_WRITE:  # a pipe or /dev/null is no place to write settings to
            told = f"{stat.S_IMODE(mode):04o}"
            raise ConfigError(f"{path}: others may write it ({told}); chmod go-w {path}")
        return file.read()


def _flat(table: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Return the table with ``compat.openclaw`` written as the one key that it is, ``compat_openclaw``."""
    flat: dict[str, Any] = {}
    for key, raw in table.items():
        inner = cast("dict[str, Any]", raw) if isinstance(raw, dict) and key not in known else {}
        if inner and all(f"{key}_{name}" in known for name in inner):
            flat |= {f"{key}_{name}": value for name, value in inner.items()}
        else:
            flat[key] = raw
    return flat


def _read_environment(
    environ: Mapping[str, str],
    values: dict[str, dict[str, Any]],
    origins: dict[str, str],
    problems: list[str] | None = None,
) -> list[str]:
    warnings: list[str] = []
    variables = {f"LIVEWATCH_{key.upper()}": (section, key) for section in SECTIONS for key in keys(section)}
    for variable, raw in sorted(environ.items()):
        if variable in variables:
            section, key = variables[variable]
            try:
                values[section][key] = _convert(section, key, raw, variable)
            except ConfigError as error:
                _refuse(str(error), problems)
                continue
            origins[f"{section}.{key}"] = variable
        elif variable.startswith("LIVEWATCH_") and variable not in _RESERVED_VARIABLES:
            warnings.append(f"{variable} is not a setting of livewatch{nearest(variable, variables)}")
    return warnings


def _convert(section: str, key: str, raw: Any, where: str) -> Any:
    try:
        if key in TABLES:
            return convert_table(key, raw)
        kind = keys(section)[key]
        names = {item.name for item in fields(SECTIONS[section])}
        return convert_value(raw, kind, duration=f"{key}_s" in names)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{where}: {error}") from error


def _build(section: str, values: dict[str, Any], origins: Mapping[str, str]) -> Any:
    kind = SECTIONS[section]
    arguments: dict[str, Any] = {}
    for item in fields(kind):
        key = key_of(item.name)
        if key not in values:
            continue
        value = values[key]
        if key in DURATIONS_BY:
            assert item.default_factory is not MISSING
            value = {**item.default_factory(), **value}
        arguments[item.name] = value
    try:
        return kind(**arguments)
    except ValueError as error:
        given = ", ".join(sorted({origin for name, origin in origins.items() if name.startswith(f"{section}.")}))
        raise ConfigError(f"[{section}] {error} (set by {given})") from error


def _line(text: str, section: str, key: str | None) -> int:
    """Return the line on which a section or one of its keys stands; 1 when it cannot be found."""
    inside, found = False, 1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.split("#")[0].strip()
        if stripped.startswith("["):
            inside = stripped.strip("[]").strip().split(".")[0] == section
            found = number if inside and found == 1 else found
            if inside and (key is None or stripped.strip("[]").strip() == f"{section}.{key}"):
                return number
        elif inside and key is not None and stripped.split("=")[0].strip().split(".")[0] == key:
            return number
    return found
