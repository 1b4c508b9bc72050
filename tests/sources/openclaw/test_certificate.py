"""``wss://`` with a certificate that no authority signed: only the pinned one, and only while it is valid."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from livewatch.sources.openclaw.certificate import CertificateProblem, Pin, file_pin, fingerprint_pin
from livewatch.sources.openclaw.discovery import DiscoveryError, Options, find_gateway
from livewatch.sources.openclaw.wire import READING, Nobody, Wire, WireError
from tests.sources.openclaw.fake_gateway import FakeGateway

SECRET = "s3cret-token"
_AUTHORITY = """
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def certificate(folder: Path, name: str = "gateway") -> Path:
    """Make a certificate as OpenClaw does, and its key beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-cert.pem"
    files = ("-keyout", str(folder / f"{name}-key.pem"), "-out", str(path))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", *files]
    subprocess.run([*command, "-subj", "/CN=openclaw-gateway", "-days", "3650"], check=True, capture_output=True)
    path.chmod(0o600)
    return path


def expired(folder: Path) -> Path:
    """Make a certificate that was valid for one day of 2020."""
    path = certificate(folder)
    (folder / "index").touch()
    (folder / "ca.conf").write_text(_AUTHORITY, encoding="utf-8")
    key, request = str(path.with_name("gateway-key.pem")), str(folder / "request.pem")
    asked = ["openssl", "req", "-new", "-key", key, "-subj", "/CN=openclaw-gateway", "-out", request]
    subprocess.run(asked, check=True, capture_output=True)
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    signed = ["openssl", "ca", "-selfsign", "-batch", "-notext", "-config", "ca.conf", "-keyfile", key, "-in", request]
    subprocess.run([*signed, "-out", str(path), *dates], check=True, capture_output=True, cwd=folder)
    return path


@asynccontextmanager
async def serving(path: Path) -> AsyncGenerator[FakeGateway]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(path, path.with_name(path.name.replace("cert", "key")))
    async with FakeGateway().serving(context) as gateway:
        yield gateway


async def connect(gateway: FakeGateway, pin: Pin | None) -> None:
    wire = await Wire.open(gateway.url, SECRET, Nobody(), scopes=READING, pin=pin)
    await wire.close()


async def test_the_pinned_certificate_connects_by_file_and_by_fingerprint(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    pin = file_pin(path)
    printed = await asyncio.to_thread(
        subprocess.run,
        ["openssl", "x509", "-in", str(path), "-noout", "-fingerprint", "-sha256"],
        check=True,
        capture_output=True,
        text=True,
    )
    written = fingerprint_pin(printed.stdout.partition("=")[2], "--tls-fingerprint")
    assert written.fingerprint == pin.fingerprint
    async with serving(path) as gateway:
        await connect(gateway, pin)
        await connect(gateway, written)
        assert [request["params"]["auth"]["token"] for request in gateway.asked] == [SECRET, SECRET]


async def test_another_certificate_of_the_same_name_is_refused_in_one_line_and_gets_nothing(tmp_path: Path) -> None:
    pin = file_pin(certificate(tmp_path, "pinned"))
    async with serving(certificate(tmp_path, "other")) as gateway:
        with pytest.raises(WireError, match=r"certificate is sha256:.*not sha256:.*nothing was sent") as refused:
            await connect(gateway, pin)
        assert gateway.asked == []
    assert "--tls-fingerprint" in refused.value.hint
    assert "\n" not in refused.value.problem


async def test_a_pinned_certificate_that_has_expired_is_refused(tmp_path: Path) -> None:
    path = expired(tmp_path)
    async with serving(path) as gateway:
        with pytest.raises(WireError, match="certificate has expired") as refused:
            await connect(gateway, file_pin(path))
        assert gateway.asked == []
    assert "make a new one" in refused.value.hint


async def test_without_a_pin_a_certificate_that_nobody_signed_is_refused_with_the_way_out(tmp_path: Path) -> None:
    async with serving(certificate(tmp_path)) as gateway:
        with pytest.raises(WireError, match="self-signed certificate") as refused:
            await connect(gateway, None)
        assert gateway.asked == []
    assert "--tls-fingerprint SHA256 or --tls-certificate FILE" in refused.value.hint


async def test_a_gateway_with_tls_that_is_asked_without_says_so(tmp_path: Path) -> None:
    async with serving(certificate(tmp_path)) as gateway:
        with pytest.raises(WireError) as refused:
            await Wire.open(gateway.url.replace("wss", "ws"), None, Nobody(), scopes=READING)
    assert "wss://" in refused.value.hint


async def test_the_certificate_of_the_gateway_that_is_configured_here_is_pinned_by_itself(tmp_path: Path) -> None:
    state = tmp_path / ".openclaw"
    path = certificate(state / "gateway" / "tls")
    async with serving(path) as gateway:
        port = gateway.url.rpartition(":")[2]
        text = f"{{gateway: {{port: {port}, tls: {{enabled: true}}, auth: {{token: '{SECRET}'}}}}}}"
        (state / "openclaw.json").write_text(text, encoding="utf-8")
        (state / "openclaw.json").chmod(0o600)
        found = await asyncio.to_thread(find_gateway, None, None, {"HOME": str(tmp_path)})
        assert found.url == gateway.url
        assert "gateway-cert.pem" in found.said
        await connect(gateway, found.pin)


@pytest.mark.parametrize("open_one", ["file", "folder"])
def test_a_certificate_that_others_could_replace_is_not_pinned(tmp_path: Path, open_one: str) -> None:
    path = certificate(tmp_path / "tls")
    (path if open_one == "file" else path.parent).chmod(0o777)
    with pytest.raises(CertificateProblem, match="others can write"):
        file_pin(path)


def test_what_is_given_for_a_certificate_is_used_or_refused_and_never_passed_over(tmp_path: Path) -> None:
    environ, url = {"HOME": str(tmp_path)}, "wss://127.0.0.1:9"
    with pytest.raises(DiscoveryError, match="no SHA-256 fingerprint"):
        find_gateway(url, None, environ, Options(tls_fingerprint="ab:cd"))
    with pytest.raises(DiscoveryError, match="cannot be read"):
        find_gateway(url, None, environ, Options(tls_certificate=tmp_path / "none"))
    with pytest.raises(DiscoveryError, match="write wss://"):
        find_gateway("ws://127.0.0.1:9", None, environ, Options(tls_fingerprint="ab" * 32))
    assert find_gateway(url, None, environ, Options(tls_fingerprint="AB:" * 31 + "AB")).pin is not None
