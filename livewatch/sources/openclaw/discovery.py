"""Where the gateway listens, with what secret and certificate: from OpenClaw's own configuration, or from flags."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from livewatch.guard.secret_file import SecretError, read_secret
from livewatch.sources.openclaw.certificate import (
    INSTEAD,
    CertificateProblem,
    Pin,
    file_pin,
    fingerprint_pin,
    own_certificate,
)
from livewatch.sources.openclaw.configuration.credential import Credential, local_credential, remote_credential
from livewatch.sources.openclaw.configuration.paths import (
    DEFAULT_PORT,
    environment_port,
    is_profile,
    usual_port,
    with_profile,
)
from livewatch.sources.openclaw.configuration.reader import Configuration, read_configuration
from livewatch.sources.openclaw.shapes import table
from livewatch_exporters.redaction import redact_text

_LARGEST_PORT = 65535


class DiscoveryError(Exception):
    """The gateway or its token cannot be found; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be given besides URL and token; each wins over OpenClaw's own configuration."""

    profile: str | None = None
    """As ``openclaw --profile``."""
    tls_fingerprint: str | None = None
    """SHA-256 of the gateway's certificate."""
    tls_certificate: Path | None = None
    """File of the gateway's certificate."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where to connect, and where that knowledge comes from."""

    url: str
    token: str | None
    """The shared secret; a password goes the same way."""
    said: str
    """In words, without the token; for the log."""
    pin: Pin | None = None
    """The certificate that a ``wss://`` gateway must show; ``None`` leaves it to the usual authorities."""
    lacking: str = ""
    """What could not be found and what to give instead; empty when nothing is missing."""


@dataclass(slots=True)
class _Found:
    """What was said so far."""

    where: list[str] = field(default_factory=list[str])
    lacking: list[str] = field(default_factory=list[str])


def find_gateway(
    url: str | None, token_file: Path | None, environ: Mapping[str, str] | None = None, options: Options | None = None
) -> Gateway:
    """Return the gateway to watch.

    Args:
        url: ``ws://HOST:PORT`` or ``wss://HOST:PORT``; OpenClaw's own configuration says it otherwise.
        token_file: file with nothing but the token or password, mode 0600, or a credential of systemd's.
        environ: environment variables; the process's own by default.
        options: what else was given.

    Raises:
        DiscoveryError: when what was given cannot be used, or others can read the token.
    """
    ours = os.environ if environ is None else environ
    options = options or Options()
    if options.profile is not None and not is_profile(options.profile):
        raise DiscoveryError(f"{options.profile[:64]!r} is no profile; letters, digits, _ and - only")
    selected = with_profile(ours, options.profile)
    configuration = read_configuration(selected)
    gateway, found = table(configuration.document.get("gateway")), _Found()
    remote = table(gateway.get("remote")) if url is None and gateway.get("mode") == "remote" else {}
    address = _given(url, found) or _elsewhere(remote, configuration, found) or _local(gateway, configuration, found)
    pin = _pin(address, options, gateway, remote, configuration, found)
    credential = _credential(token_file, remote, configuration, ours)
    if credential.secret:
        found.where.append(f"token from {credential.origin}")
    else:
        found.where.append(f"no token ({credential.lacking})")
        found.lacking.append(credential.lacking)
    if credential.secret and _in_the_clear(address) and address != url:
        raise DiscoveryError(f"{redact_text(address)} of gateway.remote is not encrypted: the token is not sent there")
    said, lacking = (_one_line(text) for text in (", ".join(found.where), "; ".join(found.lacking)))
    return Gateway(address, credential.secret, said, pin, lacking)


def _given(url: str | None, found: _Found) -> str | None:
    if url is None:
        return None
    if not url.startswith(("ws://", "wss://")):
        raise DiscoveryError(f"{redact_text(url)!r} is no WebSocket URL; write ws://127.0.0.1:{DEFAULT_PORT}")
    found.where.append(f"{redact_text(url)} as given")
    return url


def _elsewhere(remote: Mapping[str, Any], configuration: Configuration, found: _Found) -> str | None:
    url = remote.get("url")
    if not isinstance(url, str) or not url.strip().startswith(("ws://", "wss://")):
        return None
    found.where.append(f"{redact_text(url.strip())} from gateway.remote in {configuration.path}")
    return url.strip()


def _local(gateway: Mapping[str, Any], configuration: Configuration, found: _Found) -> str:
    port, origin = environment_port(configuration.environ), "OPENCLAW_GATEWAY_PORT"
    if port is None:
        port, origin = _configured_port(gateway, configuration, found), str(configuration.path)
    if port is None:
        port, origin = usual_port(configuration.environ), "OpenClaw's default"
    scheme = "wss" if table(gateway.get("tls")).get("enabled") is True else "ws"
    url = f"{scheme}://127.0.0.1:{port}"
    found.where.append(f"{url} from {origin}")
    return url


def _configured_port(gateway: Mapping[str, Any], configuration: Configuration, found: _Found) -> int | None:
    if configuration.problem:
        if configuration.path.exists():
            found.lacking.append(f"{configuration.problem}; correct it, or give --url and --token-file")
        return None
    port = gateway.get("port")
    if port is None:
        return None
    if isinstance(port, int | float) and not isinstance(port, bool) and 0 < port <= _LARGEST_PORT and port == int(port):
        return int(port)
    found.lacking.append(f"gateway.port in {configuration.path} is no port, which OpenClaw refuses; give --url")
    return None


def _credential(
    token_file: Path | None, remote: Mapping[str, Any], configuration: Configuration, ours: Mapping[str, str]
) -> Credential:
    if token_file is not None:
        try:
            return Credential(read_secret(token_file, ours), str(token_file))
        except SecretError as error:
            raise DiscoveryError(str(error)) from error
    credential = remote_credential(configuration) if remote else local_credential(configuration, ours)
    open_file = configuration.open_file_with(credential.secret) if credential.secret else None
    if open_file is not None:
        raise DiscoveryError(_one_line(f"{open_file} holds a token and can be read by others; chmod 600 {open_file}"))
    return credential


def _pin(  # noqa: PLR0917 -- all that may say it
    url: str, options: Options, gateway: Mapping[str, Any], remote: Mapping[str, Any], configuration: Configuration,
    found: _Found,
) -> Pin | None:  # fmt: skip
    """Return the pinned certificate; that of the file which this very gateway serves it from, if nothing was given."""
    try:
        given = _given_pin(options, remote)
        if given is None and _is_own(url, gateway, remote):
            given = file_pin(own_certificate(gateway, configuration.environ))
    except CertificateProblem as problem:
        if options.tls_fingerprint or options.tls_certificate:
            raise DiscoveryError(_one_line(str(problem))) from problem
        found.lacking.append(f"{problem}; {INSTEAD}" if INSTEAD not in str(problem) else str(problem))
        return None
    if given is not None and not url.startswith("wss://"):
        raise DiscoveryError(f"a certificate was given and {redact_text(url)} has none; write wss://")
    if given is not None:
        found.where.append(f"certificate pinned by {given.origin}")
    return given


def _given_pin(options: Options, remote: Mapping[str, Any]) -> Pin | None:
    if options.tls_fingerprint is not None:
        return fingerprint_pin(options.tls_fingerprint, "--tls-fingerprint")
    if options.tls_certificate is not None:
        return file_pin(options.tls_certificate)
    configured = remote.get("tlsFingerprint")
    if isinstance(configured, str) and configured.strip():
        return fingerprint_pin(configured, "gateway.remote.tlsFingerprint")
    return None


def _is_own(url: str, gateway: Mapping[str, Any], remote: Mapping[str, Any]) -> bool:
    """Return whether a URL is that of the gateway that is configured here, with TLS."""
    serves = table(gateway.get("tls")).get("enabled") is True
    return serves and not remote and url.startswith("wss://") and _on_loopback(url)


def _in_the_clear(url: str) -> bool:
    return url.startswith("ws://") and not _on_loopback(url)


def _on_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


def _one_line(text: str) -> str:
    """Return text in which a name of somebody else's begins no line."""
    return "".join(one if one.isprintable() else "?" for one in text)
