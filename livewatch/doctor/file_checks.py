"""Permissions and owners of everything that decides who may read, and who may make livewatch act."""

import os
import stat
from pathlib import Path

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, Health, failure, ok, skipped, warning
from livewatch.guard.listener import UNIX_PATH_BYTES_MAX
from livewatch.users import user_name

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_ROOT = 0


def state_folder(case: Case) -> Finding:
    """Look at the folder of journal and holds."""
    folder = case.journal.parent
    if not folder.exists():
        return _missing_folder(folder, "the journal's folder")
    return _private_folder(folder)


def board_file(case: Case) -> Finding:
    """Look at the board: a regular private file of the gateway's user."""
    path = case.settings.target.board
    if path is None:
        return skipped("no board is configured")
    return _private(path, "file", "restart the gateway, whose probe makes it so")


def board_folder(case: Case) -> Finding:
    """Look at the board's folder: whoever may write there could put another board in its place."""
    path = case.settings.target.board
    return skipped("no board is configured") if path is None else _guarded_folder(path.absolute().parent)


def control_socket(case: Case) -> Finding:
    """Look at the gateway's control socket."""
    path = case.settings.target.socket
    if path is None:
        return skipped("no control socket is configured; nothing is repaired through a board without one")
    return _too_long(path) or _private(path, "socket", "keep it open only if the probe lists others")


def control_folder(case: Case) -> Finding:
    """Look at the control socket's folder: whoever may write there could receive what is meant for the gateway."""
    path = case.settings.target.socket
    return skipped("no control socket is configured") if path is None else _guarded_folder(path.absolute().parent)


def agent_socket(case: Case) -> Finding:
    """Look at the agent's own socket."""
    path = case.agent_socket
    if (long := _too_long(path)) is not None:
        return long
    if not path.is_symlink() and not path.exists():
        return skipped(f"{path} is not there; no agent runs under this name")
    found = _private(path, "socket", "restart livewatch, which makes it so")
    listed = _listed(case)
    if found.health is Health.WARNING and listed:
        return ok(f"{path}: open to {', '.join(listed)}; everybody else who connects is refused")
    return found


def agent_folder(case: Case) -> Finding:
    """Look at the folder of the agent's socket."""
    folder = case.agent_socket.absolute().parent
    if not folder.exists():
        return _missing_folder(folder, "the agent socket's folder")
    return _guarded_folder(folder)


def configuration_file(case: Case) -> Finding:
    """Look at the configuration: whoever may write it decides what is run and repaired."""
    path = case.config_path
    if path is None:
        return skipped("there is no configuration file")
    try:
        found = path.stat()
    except OSError as error:
        return failure(f"{path}: {error.strerror}", "name an existing file with --config")
    if found.st_mode & _OTHERS_WRITE:
        return failure(f"{path} may be written by others ({_mode(found)})", f"chmod go-w {path}")
    if found.st_uid not in (_ROOT, os.geteuid()):
        return warning(f"{path} belongs to {user_name(found.st_uid)}", f"chown {user_name(os.geteuid())} {path}")
    return ok(f"{path}: {_mode(found)}, {user_name(found.st_uid)}")


def _listed(case: Case) -> list[str]:
    """Return who may ask the agent beside root and its own user: as the running one says, else as is configured."""
    if case.agent is not None:
        return [*case.agent.about.get("operators", ()), *case.agent.about.get("readers", ())]
    return [*case.settings.agent.operators, *case.settings.agent.readers]


def _private(path: Path, kind: str, mend: str) -> Finding:
    """Judge a file or socket that only its owner may touch; a symbolic link is refused, as the agent refuses it."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return failure(f"{path} is not there", "start the gateway, or correct the path")
    except OSError as error:
        return failure(f"{path}: {error.strerror}", "run livewatch as the gateway's user")
    if stat.S_ISLNK(found.st_mode):
        return failure(f"{path} is a symbolic link, which livewatch refuses", "name the real path")
    right = stat.S_ISSOCK(found.st_mode) if kind == "socket" else stat.S_ISREG(found.st_mode)
    if not right:
        return failure(f"{path} is not a {kind}", "correct the path")
    if os.geteuid() not in (_ROOT, found.st_uid):
        return failure(f"{path} belongs to {user_name(found.st_uid)}", f"run livewatch as {user_name(found.st_uid)}")
    if found.st_mode & _OTHERS:
        return warning(f"{path} is open to others ({_mode(found)})", f"chmod 600 {path}, or {mend}")
    return ok(f"{path}: {_mode(found)}, {user_name(found.st_uid)}")


def _private_folder(folder: Path) -> Finding:
    link = folder.lstat()
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (_ROOT, os.geteuid()):
        return failure(f"{folder} is a symbolic link of {user_name(link.st_uid)}", "name the real folder")
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        return failure(f"{folder} is not a folder", "name another with --state-dir")
    if os.geteuid() not in (_ROOT, found.st_uid):
        return failure(f"{folder} belongs to {user_name(found.st_uid)}", "give --state-dir of your own")
    if found.st_mode & _OTHERS_WRITE:
        return failure(f"{folder} may be written by others ({_mode(found)})", f"chmod 700 {folder}")
    if found.st_mode & _OTHERS:
        return warning(f"{folder} is open to others ({_mode(found)})", f"chmod 700 {folder}")
    return ok(f"{folder}: {_mode(found)}, {user_name(found.st_uid)}")


def _guarded_folder(folder: Path) -> Finding:
    """Judge a folder in which something lies that nobody else may replace."""
    try:
        found = folder.stat()
    except OSError as error:
        return failure(f"{folder}: {error.strerror}", "start the gateway, or correct the path")
    if found.st_uid not in (_ROOT, os.geteuid()) and os.geteuid() != _ROOT:
        return warning(f"{folder} belongs to {user_name(found.st_uid)}", "use a folder of your own, mode 0700")
    if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
        return failure(
            f"others may replace what lies in {folder} ({_mode(found)})", f"chmod go-w {folder}, or use another folder"
        )
    if found.st_mode & _OTHERS_WRITE:
        return warning(f"others may put things into {folder} ({_mode(found)})", "use a folder of your own, mode 0700")
    return ok(f"{folder}: {_mode(found)}, {user_name(found.st_uid)}")


def _missing_folder(folder: Path, what: str) -> Finding:
    """Judge a folder that the agent would make: its nearest existing parent must let it."""
    parent = next(parent for parent in folder.absolute().parents if parent.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        return failure(f"{folder} is not there and cannot be made in {parent}", f"mkdir -m 700 {folder}, as its owner")
    return skipped(f"{folder} ({what}) is not there yet; `livewatch run` makes it, mode 0700")


def _too_long(path: Path) -> Finding | None:
    length = len(os.fsencode(path))
    if length <= UNIX_PATH_BYTES_MAX:
        return None
    return failure(f"{path} has {length} bytes, a socket's path at most {UNIX_PATH_BYTES_MAX}", "use a shorter path")


def _mode(found: os.stat_result) -> str:
    return f"{stat.S_IMODE(found.st_mode):04o}"
