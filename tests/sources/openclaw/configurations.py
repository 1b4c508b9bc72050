"""Configurations of OpenClaw by hand, with what OpenClaw 2026.9.6 makes of each; shared with the test that asks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

USUAL = 18789


@dataclass(frozen=True)
class Case:
    """One home, and what is read from it."""

    name: str
    files: Mapping[str, str]
    """By path below the home; a `@` in a value stands for the home."""
    port: int = USUAL
    secret: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict[str, str])


def lay_out(case: Case, home: Path) -> dict[str, str]:
    """Write the files of a case, and return the environment in which it is read."""
    for name, text in case.files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("@", str(home)).encode())
        path.chmod(0o600)
    return {"HOME": str(home), **{name: value.replace("@", str(home)) for name, value in case.environ.items()}}


def _one(name: str, text: str, port: int = USUAL, secret: str | None = None, **environ: str) -> Case:
    return Case(name, {".openclaw/openclaw.json": text}, port, secret, environ)


def _with(name: str, text: str, more: Mapping[str, str], port: int = USUAL, secret: str | None = None) -> Case:
    files = {f".openclaw/{path}": body for path, body in more.items()}
    return Case(name, {".openclaw/openclaw.json": text, **files}, port, secret)


_PORT = "{gateway: {port: 18555, auth: {token: 'a-token'}}}"
CASES = (
    _one("plain", '{"gateway": {"port": 18555, "auth": {"mode": "token", "token": "a-token"}}}', 18555, "a-token"),
    _one("json5", "{\n // moved\n gateway: {port: 18555, auth: {token: 'a-token',},},\n}", 18555, "a-token"),
    _one("byte-order-mark", "\ufeff" + _PORT, 18555, "a-token"),
    _one("byte-order-mark-and-plain-json", '\ufeff{"gateway": {"port": 18555}}', 18555),
    _one("windows-line-ends", "{\r\n// c\r\ngateway: {\r\nport: 18555}}\r\n", 18555),
    _one("hexadecimal", "{gateway: {port: 0x487B}}", 0x487B),
    _one("plus-and-exponent", "{gateway: {port: +1.8555e4}}", 18555),
    _one("twice-the-same-key", '{"gateway": {"port": 1}, "gateway": {"port": 18555}}', 18555),
    _one("escapes", "{'gatew\\u0061y': {port: 18555, auth: {token: 'a-\\\ntoken\\x21'}}}", 18555, "a-token!"),
    _one("block-comments", "/* a */{/**/gateway/* b */:{port:18555 /* } */}}", 18555),
    _one("variable", "{gateway: {auth: {token: '${MY_TOKEN}'}}}", USUAL, "of-mine", MY_TOKEN="of-mine"),
    _one("variable-inside", "{gateway: {auth: {token: 'a-${MY_TOKEN}-b'}}}", USUAL, "a-x-b", MY_TOKEN="x"),
    _one("escaped-variable", "{gateway: {auth: {token: '$${MY_TOKEN}'}}}", USUAL, "${MY_TOKEN}", MY_TOKEN="x"),
    _one("lower-case-is-no-variable", "{gateway: {auth: {token: '${my}'}}}", USUAL, "${my}", my="x"),
    _one("variable-of-the-file", "{env: {vars: {GW: 'in-env'}}, gateway: {auth: {token: '${GW}'}}}", USUAL, "in-env"),
    _one("ours-wins", "{env: {vars: {GW: 'no'}}, gateway: {auth: {token: '${GW}'}}}", USUAL, "yes", GW="yes"),
    _one("password", "{gateway: {auth: {mode: 'password', password: 'open'}}}", USUAL, "open"),
    _one("password-beside-token", "{gateway: {auth: {mode: 'password', password: 'p', token: 't'}}}", USUAL, "p"),
    _one("token-beside-password", "{gateway: {auth: {mode: 'token', password: 'p', token: 't'}}}", USUAL, "t"),
    _one("no-secret-needed", "{gateway: {auth: {mode: 'none', token: 't'}}}"),
    _one("reference-to-a-variable", "{gateway: {auth: {token: {source: 'env', provider: 'default', id: 'GW'}}}}",
         USUAL, "ref", GW="ref"),
    _one("port-of-the-environment", _PORT, 19555, "a-token", OPENCLAW_GATEWAY_PORT="19555"),
    _one("port-behind-a-host", _PORT, 19555, "a-token", OPENCLAW_GATEWAY_PORT="127.0.0.1:19555"),
    _one("port-of-the-environment-is-none", _PORT, 18555, "a-token", OPENCLAW_GATEWAY_PORT="0x10"),
    _one("port-of-a-profile", "{}", 41984, None, OPENCLAW_PROFILE="work"),
    _with("include", "{gateway: {$include: './g.json5'}}", {"g.json5": "{port: 18555, /* */}"}, 18555),
    _with("include-with-keys-beside", "{gateway: {$include: './g.json5', port: 18556}}",
          {"g.json5": "{port: 18555, auth: {token: 'i'}}"}, 18556, "i"),
    _with("include-of-several", "{$include: ['a.json', './b.json']}",
          {"a.json": '{"gateway": {"port": 1, "auth": {"token": "t"}}}', "b.json": "{gateway: {port: 18557}}"},
          18557, "t"),
    _with("include-in-an-include", "{$include: 'x/a.json'}",
          {"x/a.json": "{gateway: {$include: './b.json'}}", "x/b.json": "{port: 18558}"}, 18558),
    Case("other-file", {"elsewhere/oc.json": _PORT}, 18555, "a-token", {"OPENCLAW_CONFIG_PATH": "@/elsewhere/oc.json"}),
    Case("other-file-with-tilde", {"oc.json": _PORT}, 18555, "a-token", {"OPENCLAW_CONFIG_PATH": "~/oc.json"}),
    Case("other-state-folder", {"st/openclaw.json": _PORT}, 18555, "a-token", {"OPENCLAW_STATE_DIR": "@/st"}),
    Case("other-home", {"h/.openclaw/openclaw.json": _PORT}, 18555, "a-token", {"OPENCLAW_HOME": "@/h"}),
    Case("old-name", {".openclaw/clawdbot.json": _PORT}, 18555, "a-token"),
    Case("old-folder", {".clawdbot/clawdbot.json": _PORT}, 18555, "a-token"),
    Case("include-root", {".openclaw/openclaw.json": "{$include: '@/o/a.json'}", "o/a.json": _PORT}, 18555, "a-token",
         {"OPENCLAW_INCLUDE_ROOTS": "@/o"}),
)  # fmt: skip
FROM_FILES = (
    _with("variable-of-dotenv", "{gateway: {auth: {token: '${GW}'}}}", {".env": "export GW='dot' # c\n"}, USUAL, "dot"),
    _with("token-of-dotenv", "{gateway: {port: 18555}}", {".env": 'OPENCLAW_GATEWAY_TOKEN="dot"'}, 18555, "dot"),
    _with("reference-to-a-file",
          "{secrets: {providers: {f: {source: 'file', path: '~/.openclaw/s.json', mode: 'json'}}},"
          " gateway: {auth: {token: {source: 'file', provider: 'f', id: '/a~1b/0'}}}}",
          {"s.json": '{"a/b": ["in-file"]}'}, USUAL, "in-file"),
)  # fmt: skip
"""Those for which OpenClaw's loader alone does not suffice: it reads them at another place of its start."""
