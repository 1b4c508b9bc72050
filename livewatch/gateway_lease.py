"""Where the lease of a gateway lies: one place for all agents of one user that watch it, whatever they are called."""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

from livewatch.configuration.settings import SourceKind, TargetSettings
from livewatch.guard.private_folder import private_folder
from livewatch.local_api.paths import runtime_dir
from livewatch.recovery.lease import lease_path

_LOOPBACK = frozenset({"localhost", "::1", "127.0.0.1"})
_PORTS = {"ws": 80, "wss": 443}


def gateway_lease(
    target: TargetSettings, journal: Path, environ: Mapping[str, str] | None = None, *, make_folder: bool = False
) -> Path:
    """Return the lease of the gateway that the settings name.

    Beside the control socket or the board where there is one. For OpenClaw it lies in this user's runtime folder and
    is named by the gateway's address, so that two agents with different names or state folders share it (D16). Where
    the address is not known yet, or that folder cannot be used, it lies beside the journal.

    Args:
        target: the gateway.
        journal: the agent's journal.
        environ: environment variables in which OpenClaw's configuration is looked for; the process's own by default.
        make_folder: whether a runtime folder that is missing is made; who only looks makes none.
    """
    beside_journal = lease_path(target.socket, target.board or journal)
    if target.source is not SourceKind.OPENCLAW:
        return beside_journal
    address = _address(target, environ)
    if address is None or not _usable(runtime_dir(), make=make_folder):
        return beside_journal
    return runtime_dir() / f"openclaw-{_digest(address)}.lease"


def one_address(url: str) -> str | None:
    """Return host and port of a WebSocket address, the same for every name of the loopback; ``None`` for none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not host or port is None:
        return None
    return f"{'127.0.0.1' if host in _LOOPBACK else host}:{port}"


def _usable(folder: Path, *, make: bool) -> bool:
    if not make and not folder.is_dir():
        return False
    try:
        private_folder(folder)
    except OSError:
        return False
    return True


def _address(target: TargetSettings, environ: Mapping[str, str] | None) -> str | None:
    if target.url is not None:
        return one_address(target.url)
    from livewatch.sources.openclaw.discovery import DiscoveryError, Options, find_gateway  # noqa: PLC0415 -- json5 only where needed

    try:
        options = Options(target.profile, target.tls_fingerprint, target.tls_certificate)
        return one_address(find_gateway(None, target.token_file, environ, options).url)
    except (DiscoveryError, OSError):
        return None


def _digest(address: str) -> str:
    return blake2b(address.encode(), digest_size=8).hexdigest()
