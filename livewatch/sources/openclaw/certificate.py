"""Which certificate a gateway must show: that of a file, or of a fingerprint; verification is never switched off.

OpenClaw makes a certificate for itself, for the name openclaw-gateway, that no authority has signed. So the name cannot
be compared; instead the certificate must be the very one that is pinned, and valid today. Without a pin the usual
authorities and the name decide.
"""

import asyncio
import hashlib
import os
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from livewatch.sources.openclaw.configuration.paths import files_folder, user_path
from livewatch.sources.openclaw.shapes import table
from livewatch.users import user_name

_LARGEST_BYTES = 64 * 1024
"""OpenClaw's own bound for the file."""
_OTHERS_WRITE = 0o022
_STICKY = stat.S_ISVTX
_ROOT = 0
_WSS_PORT = 443
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_COLONS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){31}")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
INSTEAD = "give --tls-fingerprint SHA256 or --tls-certificate FILE"


class CertificateProblem(Exception):  # noqa: N818 -- reads as what is wrong
    """A certificate that is not taken; the text is one line."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The one certificate that is accepted."""

    fingerprint: str
    """SHA-256 of it, 64 hexadecimal digits."""
    origin: str
    """In words: a file, a flag, a key of OpenClaw's configuration."""


def fingerprint_pin(text: str, origin: str) -> Pin:
    """Return the pin of a fingerprint as OpenClaw and `openssl x509 -fingerprint` write it.

    Raises:
        CertificateProblem: when it is not a SHA-256 fingerprint.
    """
    plain = text.strip().lower().removeprefix("sha256:").strip()
    plain = plain.replace(":", "") if _COLONS.fullmatch(plain) else plain
    if not _FINGERPRINT.fullmatch(plain):
        raise CertificateProblem(f"{origin} is no SHA-256 fingerprint; write its 64 hexadecimal digits")
    return Pin(plain, origin)


def file_pin(path: Path) -> Pin:
    """Return the pin of the first certificate in a file.

    Raises:
        CertificateProblem: when it cannot be read, holds none, or others could replace it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _check(path, os.fstat(descriptor), path.resolve().parent.stat())
            text = file.read(_LARGEST_BYTES).decode("ascii", "replace")
        body = text[text.index(_BEGIN) : text.index(_END) + len(_END)]
        return Pin(hashlib.sha256(ssl.PEM_cert_to_DER_cert(body)).hexdigest(), str(path))
    except OSError as error:
        raise CertificateProblem(f"the certificate {path} cannot be read ({error.strerror})") from error
    except ValueError:
        raise CertificateProblem(f"{path} holds no certificate in PEM form") from None


def own_certificate(gateway: Mapping[str, Any], environ: Mapping[str, str]) -> Path:
    """Return the file of the certificate with which the gateway that is configured here serves TLS."""
    named = table(gateway.get("tls")).get("certPath")
    if isinstance(named, str) and named.strip():
        return user_path(named, environ)
    return files_folder(environ) / "gateway" / "tls" / "gateway-cert.pem"


async def tls_context(url: str, pin: Pin | None, within_s: float) -> ssl.SSLContext:
    """Return what a connection to ``url`` is made with; with a pin, the certificate there is compared before.

    Raises:
        CertificateProblem: when the gateway shows another certificate than the pinned one.
        OSError: when nobody answers there.
    """
    if pin is None:
        return ssl.create_default_context()
    parts = urlsplit(url)
    where = parts.hostname or "", parts.port or _WSS_PORT
    shown = ssl.PEM_cert_to_DER_cert(await asyncio.to_thread(ssl.get_server_certificate, where, timeout=within_s))
    compare(shown, pin)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies against the pinned certificate and nothing else
    context.check_hostname = False  # it is made for another name; being the pinned one says more
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=shown)
    return context


def compare(shown: bytes | None, pin: Pin) -> None:
    """Compare a certificate (DER) with the pin.

    Raises:
        CertificateProblem: when it is another one.
    """
    found = hashlib.sha256(shown or b"").hexdigest()
    if found != pin.fingerprint:
        raise CertificateProblem(
            f"the gateway's certificate is sha256:{found[:16]}..., not sha256:{pin.fingerprint[:16]}..."
            f" of {pin.origin}; nothing was sent"
        )


def _check(path: Path, file: os.stat_result, folder: os.stat_result) -> None:
    if not stat.S_ISREG(file.st_mode):
        raise CertificateProblem(f"the certificate {path} is not a regular file")
    if os.geteuid() not in (_ROOT, file.st_uid) and file.st_uid != _ROOT:
        raise CertificateProblem(f"the certificate {path} belongs to {user_name(file.st_uid)}; {INSTEAD}")
    folder_open = folder.st_mode & _OTHERS_WRITE and not folder.st_mode & _STICKY
    if file.st_mode & _OTHERS_WRITE or folder_open:
        raise CertificateProblem(f"others can write the certificate {path}, or its folder; close it to them")
