"""OpenClaw's own loader over the same configurations; and a real gateway with TLS and a password.

Run by ``make test-openclaw``.
"""

import asyncio
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from livewatch.sources.openclaw.discovery import Gateway, find_gateway
from livewatch.sources.openclaw.wire import ACTING, Nobody, Wire, WireError
from tests.openclaw.gateway import BOOTS_WITHIN_S, CACHE, VERSION, OpenClaw, install
from tests.sources.openclaw.configurations import CASES, Case, lay_out
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)
GENERATED = 200
BY_COMMAND = ("json5", "byte-order-mark", "include-of-several", "old-name")
_PASSWORD = "a-password-for-tests"


def what_openclaw_reads(environs: list[dict[str, str]]) -> list[dict[str, Any]]:
    node = install() / "node"
    script = Path(__file__).with_name("read_configurations.mjs")
    home = {"PATH": os.environ["PATH"], "HOME": environs[0]["HOME"]}
    command = [str(node), str(script), str(CACHE / "node_modules" / "openclaw")]
    done = subprocess.run(
        command, input=json.dumps(environs), env=home, cwd=home["HOME"], capture_output=True, text=True, check=True
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[") :])
    return answers


def secret_of(answer: dict[str, Any]) -> str | None:
    """Return what its server would compare with, by its mode."""
    if answer["mode"] == "none":
        return None
    if answer["mode"] == "password":
        found = answer["password"]
    else:
        found = answer["token"] if answer["mode"] == "token" or not answer["password"] else answer["password"]
    if not isinstance(found, str) or found == "${ABSENT}":  # left visible there, and not used
        return None
    return found.strip() or None


def disagreements(cases: list[Case], folder: Path) -> list[str]:
    environs = [lay_out(case, folder / str(index)) for index, case in enumerate(cases)]
    found: list[str] = []
    for case, environ, theirs in zip(cases, environs, what_openclaw_reads(environs), strict=True):
        ours: Gateway = find_gateway(None, None, environ)
        read = (int(ours.url.rpartition(":")[2]), ours.token)
        if "error" in theirs or read != (theirs["port"], secret_of(theirs)):
            found.append(f"{case.name} {dict(case.files)}: OpenClaw {theirs}, livewatch {read} {ours.lacking}")
    return found


def test_what_is_written_by_hand_is_read_as_openclaw_reads_it(tmp_path: Path) -> None:
    assert disagreements(list(CASES), tmp_path) == []


def test_what_is_generated_is_read_as_openclaw_reads_it(tmp_path: Path) -> None:
    cases = [_generated(random.Random(seed), seed) for seed in range(GENERATED)]
    assert disagreements(cases, tmp_path) == []


def test_the_command_of_openclaw_says_the_same(tmp_path: Path) -> None:
    for case in (case for case in CASES if case.name in BY_COMMAND):
        environ = lay_out(case, tmp_path / case.name)
        commands = install()
        path = {"PATH": f"{commands}:{os.environ['PATH']}", "CI": "1", "DO_NOT_TRACK": "1"}
        command = [str(commands / "openclaw"), "config", "get", "gateway.port"]
        done = subprocess.run(
            command, env={**path, **environ}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.stdout.split()[-1:] == [str(case.port)], (case.name, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "auth", [{"mode": "token", "token": "${GW_TOKEN}"}, {"mode": "password", "password": _PASSWORD}]
)
def test_a_gateway_with_its_own_certificate_is_connected_to_and_no_other(tmp_path: Path, auth: dict[str, str]) -> None:
    gateway = OpenClaw(tmp_path)
    try:
        document = json.loads(gateway.config.read_text(encoding="utf-8"))
        document["gateway"] |= {"auth": auth, "tls": {"enabled": True}}
        document["env"] = {"vars": {"GW_TOKEN": "a-token-for-tls"}}
        gateway.config.write_text("// as a person writes it\n" + json.dumps(document), encoding="utf-8")
        gateway.start()
        certificate = gateway.state / "gateway" / "tls" / "gateway-cert.pem"
        until(certificate.exists, "the certificate", BOOTS_WITHIN_S)
        environ = {"HOME": str(gateway.home), "OPENCLAW_STATE_DIR": str(gateway.state)}
        found = find_gateway(None, None, environ)
        assert found.url == gateway.url.replace("ws:", "wss:")
        assert found.pin is not None
        assert asyncio.run(_connected(found)) == VERSION
        for wrong, text in ((found.token or "") + "x", "refuses the connection"), (found.token, "not sha256:"):
            pin = found.pin if "refuses" in text else type(found.pin)("ab" * 32, "a test")
            with pytest.raises(WireError, match=text):
                asyncio.run(_open(found.url, wrong, pin))
    finally:
        gateway.close()


async def _connected(found: Gateway) -> str:
    """Return the version of the gateway, once it is up."""
    for _ in range(int(BOOTS_WITHIN_S / 0.5)):
        try:
            return await _open(found.url, found.token, found.pin)
        except WireError as error:
            if "refuses" in error.problem or "certificate" in error.problem:
                raise
            await asyncio.sleep(0.5)
    raise AssertionError("the gateway does not answer")


async def _open(url: str, token: str | None, pin: Any) -> str:
    wire = await Wire.open(url, token, Nobody(), scopes=ACTING, pin=pin)
    try:
        return str(wire.hello["server"]["version"])
    finally:
        await wire.close()


def _generated(chance: random.Random, seed: int) -> Case:
    """Return a home in JSON5 of every style, with includes, variables and modes."""
    port, secret = chance.randrange(1, 65536), f"secret-{seed}"
    number = chance.choice((str(port), hex(port), f"+{port}", f"{port}.0", f"{port}."))
    text = chance.choice((f"'{secret}'", f'"{secret}"', "'${GW_SECRET}'", "'${ABSENT}'", "'a-${GW_SECRET}'", "'$${X}'"))
    mode = chance.choice(("", "mode: 'token',", "mode: 'password',", "mode: 'none',"))
    field = chance.choice(("token", "password", "'token'"))
    auth = f"auth: {{{mode} {field}: {text},}}"
    files: dict[str, str] = {}
    gateway = f"{{port: {number}, /* c */ {auth}}}"
    kind = chance.randrange(4)
    if kind == 1:
        files[".openclaw/g.json5"], gateway = gateway, "{$include: './g.json5'}"
    elif kind == 2:
        files[".openclaw/g.json5"], gateway = gateway, "{$include: ['g.json5'], port: 4321}"
    elif kind == 3:
        files[".openclaw/a.json"], files[".openclaw/b.json"] = "{port: 99, bind: 'lan'}", gateway
        gateway = "{$include: ['a.json', 'b.json']}"
    key = chance.choice(("gateway", "'gateway'", '"gateway"', "gatew\\u0061y"))
    end = chance.choice(("", ",")) + chance.choice(("\n", "\r\n", " // end\n"))
    start = chance.choice(("", "\ufeff", "// c\n", "/* { */\r\n"))
    files[".openclaw/openclaw.json"] = f"{start}{{{key}: {gateway}{end}}}"
    environ = {"GW_SECRET": "of-the-environment"}
    if chance.random() < 0.2:
        environ["OPENCLAW_GATEWAY_PORT"] = chance.choice(("7777", "host:7778", "[::1]:7779", "x", "70000", "-1"))
    return Case(f"generated-{seed}", files, port, None, environ)
