"""Where OpenClaw 2026.9.6 keeps its configuration and state, by environment variables and profile.

Taken from its `src/config/paths.ts`, `src/config/state-dir.ts`, `src/cli/profile.ts` and `src/infra/home-dir.ts`.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

DEFAULT_PORT = 18789
NAME = "openclaw.json"
_OLD_NAME = "clawdbot.json"
_FOLDERS = (".openclaw", ".clawdbot")
_DEV_PORT = "19001"
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PORT_WITH_HOST = re.compile(r"(?:\[[^\]]+\]|[^:]+):([0-9]+)")
_LARGEST_PORT = 65535
_HASH_START, _HASH_FACTOR, _HASH_BITS = 2166136261, 16777619, 0xFFFFFFFF
_PROFILE_PORTS = (20_000, 40_000)
"""The lowest port that a profile without a configured one gets, and how many there are."""


def is_profile(name: str) -> bool:
    """Return whether OpenClaw takes ``name`` for a profile."""
    return _PROFILE.fullmatch(name) is not None


def with_profile(environ: Mapping[str, str], profile: str | None) -> Mapping[str, str]:
    """Return the environment that `openclaw --profile` makes; a state folder or file that is named already stays."""
    if profile is None:
        return environ
    suffix = "" if profile.lower() == "default" else f"-{profile}"
    folder = _value(environ, "OPENCLAW_STATE_DIR") or str(home_folder(environ) / f".openclaw{suffix}")
    made = {**environ, "OPENCLAW_PROFILE": profile, "OPENCLAW_STATE_DIR": folder}
    if not _value(environ, "OPENCLAW_CONFIG_PATH"):
        made["OPENCLAW_CONFIG_PATH"] = str(user_path(folder, environ) / NAME)
    if profile == "dev" and not _value(environ, "OPENCLAW_GATEWAY_PORT"):
        made["OPENCLAW_GATEWAY_PORT"] = _DEV_PORT
    return made


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the home that OpenClaw uses: ``OPENCLAW_HOME``, else the user's."""
    users = _home_value(environ, "HOME") or _home_value(environ, "USERPROFILE") or str(Path.home())
    chosen = _home_value(environ, "OPENCLAW_HOME") or users
    return Path(os.path.abspath(_expanded(chosen, users)))  # noqa: PTH100 -- links are kept


def user_path(text: str, environ: Mapping[str, str]) -> Path:
    """Return a path that a user wrote, with ``~`` and relative to where we run."""
    return Path(os.path.abspath(_expanded(text.strip(), str(home_folder(environ)))))  # noqa: PTH100 -- links are kept


def configuration_path(environ: Mapping[str, str]) -> Path:
    """Return the file that OpenClaw reads: the named one, else the first that exists, else where it would be."""
    named = _value(environ, "OPENCLAW_CONFIG_PATH")
    if named:
        return user_path(named, environ)
    state = state_folder(environ)
    folders = [state]
    if not _value(environ, "OPENCLAW_STATE_DIR"):
        folders += [home_folder(environ) / name for name in _FOLDERS]
    for folder in folders:
        for name in (NAME, _OLD_NAME):
            if _exists(folder / name):
                return folder / name
    return state / NAME


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of what the gateway keeps: the one that is named, else the first that exists."""
    named = _value(environ, "OPENCLAW_STATE_DIR")
    if named:
        return user_path(named, environ)
    candidates = [home_folder(environ) / name for name in _FOLDERS]
    return next((folder for folder in candidates if _exists(folder)), candidates[0])


def files_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of ``.env`` and of the certificate that the gateway makes for itself."""
    state, named = _value(environ, "OPENCLAW_STATE_DIR"), _value(environ, "OPENCLAW_CONFIG_PATH")
    if state:
        return user_path(state, environ)
    return user_path(named, environ).parent if named else home_folder(environ) / _FOLDERS[0]


def environment_files(environ: Mapping[str, str]) -> list[Path]:
    """Return the files of variables that a gateway reads at its start; the first that sets one wins."""
    folder, usual = files_folder(environ), home_folder(environ) / _FOLDERS[0]
    files = [folder / ".env"]
    if not _value(environ, "OPENCLAW_STATE_DIR") or folder == usual:
        files.append(home_folder(environ) / ".config" / "openclaw" / "gateway.env")
    return files


def include_roots(environ: Mapping[str, str]) -> list[Path]:
    """Return the folders outside of the configuration's own from which ``$include`` may read."""
    entries = (entry.strip() for entry in environ.get("OPENCLAW_INCLUDE_ROOTS", "").split(os.pathsep))
    return [user_path(entry, environ) for entry in entries if entry]


def environment_port(environ: Mapping[str, str]) -> int | None:
    """Return the port in ``OPENCLAW_GATEWAY_PORT``, alone or behind a host; ``None`` where OpenClaw ignores it."""
    text = environ.get("OPENCLAW_GATEWAY_PORT", "").strip()
    behind = _PORT_WITH_HOST.fullmatch(text)
    digits = behind.group(1) if behind else text
    if not (digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) <= len(str(_LARGEST_PORT))):
        return None
    return int(digits) if 0 < int(digits) <= _LARGEST_PORT else None


def usual_port(environ: Mapping[str, str]) -> int:
    """Return the port of a gateway whose configuration names none; each profile has its own (FNV-1a of its name)."""
    profile = environ.get("OPENCLAW_PROFILE", "").strip()
    if not is_profile(profile) or profile.lower() == "default":
        return DEFAULT_PORT
    found = _HASH_START
    for byte in profile.encode():
        found = (found ^ byte) * _HASH_FACTOR & _HASH_BITS
    lowest, count = _PROFILE_PORTS
    return lowest + found % count


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _home_value(environ: Mapping[str, str], name: str) -> str:
    found = _value(environ, name)
    return "" if found in ("undefined", "null") else found


def _expanded(text: str, home: str) -> str:
    return home + text[1:] if text == "~" or text.startswith("~/") else text


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
