"""Where the local gateway listens and with what token, from OpenClaw's own configuration or from flags."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livewatch.guard.secret_file import SecretError, read_secret
from livewatch.sources.openclaw.shapes import table
from livewatch_exporters.redaction import redact_text

DEFAULT_PORT = 18789
_LARGEST_BYTES = 1 << 22
_OTHERS = 0o077


class DiscoveryError(Exception):
    """The gateway or its token cannot be found; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where to connect, and where that knowledge comes from."""

    url: str
    token: str | None
    said: str
    """In words, without the token; for the log."""


def find_gateway(url: str | None, token_file: Path | None, environ: Mapping[str, str] | None = None) -> Gateway:
    """Return the gateway to watch.

    Args:
        url: ``ws://HOST:PORT``; OpenClaw's own configuration says it otherwise.
        token_file: file with nothing but the token, readable by its owner only, or a credential of systemd's.
        environ: environment variables; the process's own by default.

    Raises:
        DiscoveryError: when a file that was named cannot be used, or others can read the token.
    """
    environ = os.environ if environ is None else environ
    config = _config_path(environ)
    document, problem = _read_config(config)
    gateway = table(document.get("gateway"))
    where: list[str] = []
    if url is None:
        port, origin = _port(gateway, environ, config)
        url = f"ws://127.0.0.1:{port}"
        where.append(f"{url} from {origin}")
    else:
        where.append(f"{redact_text(url)} as given")
    if not url.startswith(("ws://", "wss://")):
        raise DiscoveryError(f"{redact_text(url)!r} is no WebSocket URL; write ws://127.0.0.1:{DEFAULT_PORT}")
    token, origin = _token(gateway, token_file, environ, config)
    if not token and environ.get("OPENCLAW_GATEWAY_TOKEN"):
        problem = "OPENCLAW_GATEWAY_TOKEN is not read: every child inherits the environment; give --token-file"
    where.append(f"token from {origin}" if token else f"no token ({problem or f'none in {config}'})")
    return Gateway(url, token, ", ".join(where))


def _config_path(environ: Mapping[str, str]) -> Path:
    if environ.get("OPENCLAW_CONFIG_PATH"):
        return Path(environ["OPENCLAW_CONFIG_PATH"])
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("OPENCLAW_STATE_DIR") or home / ".openclaw") / "openclaw.json"


def _read_config(path: Path) -> tuple[dict[str, Any], str]:
    """Return the configuration, or an empty one and why; it may hold comments, which JSON does not have."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return {}, f"{path} is too large"
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return {}, f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return {}, f"{path} is not UTF-8"
    try:
        return table(json.loads(text)), ""
    except (ValueError, RecursionError):
        return {}, f"{path} is not plain JSON"


def _port(gateway: Mapping[str, Any], environ: Mapping[str, str], config: Path) -> tuple[int, str]:
    told = environ.get("OPENCLAW_GATEWAY_PORT", "")
    if told.isdigit():
        return int(told), "OPENCLAW_GATEWAY_PORT"
    port = gateway.get("port")
    if isinstance(port, int) and not isinstance(port, bool):
        return port, str(config)
    return DEFAULT_PORT, "OpenClaw's default"


def _token(
    gateway: Mapping[str, Any], token_file: Path | None, environ: Mapping[str, str], config: Path
) -> tuple[str | None, str]:
    if token_file is not None:
        try:
            return read_secret(token_file, environ), str(token_file)
        except SecretError as error:
            raise DiscoveryError(str(error)) from error
    auth = table(gateway.get("auth"))
    token = auth.get("token")
    if not isinstance(token, str) or not token:
        return None, ""
    if _open_to_others(config):
        raise DiscoveryError(f"{config} holds a token and can be read by others; chmod 600 {config}")
    return token, str(config)


def _open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return True
