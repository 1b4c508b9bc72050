"""Secrets in files that nobody else may read, or that systemd passes to a service as credentials."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from livewatch.users import user_name

_ROOT = 0
_LARGEST_BYTES = 16 * 1024


class SecretError(Exception):
    """A file whose secret is not used. The text is one line, without the secret, that says what to do."""


def read_secret(path: Path, environ: Mapping[str, str] | None = None) -> str:
    """Return the one word that a file holds; read it anew for each use, so that a change is taken up.

    In systemd's ``$CREDENTIALS_DIRECTORY`` the mode is systemd's affair: it admits the service's user by other means.

    Raises:
        SecretError: when it cannot be read, others can read or replace it, or it does not hold one word.
    """
    environ = os.environ if environ is None else environ
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check(path, os.fstat(descriptor), credential=_is_credential(path, environ))
            data = os.read(descriptor, _LARGEST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SecretError(f"the token file {path} cannot be read ({error.strerror})") from error
    try:
        secret = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        secret = ""  # not chained: the error would carry the bytes
    if not secret or not secret.isprintable() or " " in secret or len(data) > _LARGEST_BYTES:
        raise SecretError(f"the token file {path} does not hold one token")
    return secret


def _check(path: Path, found: os.stat_result, *, credential: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SecretError(f"the token file {path} is not a regular file")
    if credential:
        return
    if found.st_uid not in (_ROOT, os.geteuid()):
        raise SecretError(f"the token file {path} belongs to {user_name(found.st_uid)}; use a file of your own")
    if too_open(found.st_mode, owned=found.st_uid == os.geteuid()):
        raise SecretError(f"the token file {path} can be read by others; chmod 600 {path}")


def too_open(mode: int, *, owned: bool) -> bool:
    """Return whether others may read a secret; its group may where that is the only way for us to read it.

    Secrets of Kubernetes belong to root, and are given to one user by a group.
    """
    return bool(mode & (0o077 if owned else 0o037))


def _is_credential(path: Path, environ: Mapping[str, str]) -> bool:
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    return folder.startswith("/") and path.resolve().parent == Path(folder).resolve()
