"""OpenClaw's configuration as OpenClaw 2026.9.6 reads it; `tests/openclaw/proof_configuration.py` asks the real one."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from livewatch.configuration.openclaw_keys import read_limits
from livewatch.sources.openclaw.discovery import DiscoveryError, Gateway, Options, find_gateway
from tests.sources.openclaw.configurations import CASES, FROM_FILES, Case, lay_out

SECRET = "s3cret-token"


def found(folder: Path, text: str, **environ: str) -> Gateway:
    state = folder / ".openclaw"
    state.mkdir(exist_ok=True)
    write(state / "openclaw.json", text)
    return find_gateway(None, None, {"HOME": str(folder), **environ})


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("case", CASES + FROM_FILES, ids=lambda case: case.name)
def test_port_and_secret_are_those_that_openclaw_itself_reads(tmp_path: Path, case: Case) -> None:
    gateway = find_gateway(None, None, lay_out(case, tmp_path))
    assert (gateway.url, gateway.token) == (f"ws://127.0.0.1:{case.port}", case.secret)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{\n  gateway: {port: 1 2},\n}", "is not JSON5 (line 2)"),
        ('{"$include": "./absent.json"}', "cannot be read"),
        ('{"$include": "../outside.json"}', "outside of"),
        ('{"$include": "./openclaw.json"}', "includes it again"),
        ('{"$include": 5}', "neither the name of a file nor a list"),
        ("[1]", "does not hold an object"),
        ('{"gateway": {"port": "18555"}}', "gateway.port in"),
        ("[" * 5000, "goes too deep"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_give_instead(tmp_path: Path, text: str, expected: str) -> None:
    gateway = found(tmp_path, text)
    assert expected in gateway.lacking
    assert "--url" in gateway.lacking
    assert "\n" not in gateway.said + gateway.lacking


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("${ABSENT}", "refers to ABSENT, which is not set for livewatch"),
        ("$ABSENT", "refers to ABSENT, which is not set for livewatch"),
        ({"source": "env", "provider": "default", "id": "ABSENT"}, "ABSENT is not set for livewatch"),
        ({"source": "exec", "provider": "vault", "id": "a/b"}, "livewatch starts no program"),
        ({"source": "file", "provider": "open", "id": "value"}, "can be read by others"),
        ({"source": "file", "provider": "nobody", "id": "value"}, "secrets.providers has no nobody"),
        ({"source": "store", "provider": "default", "id": "ABSENT"}, "is not there"),
        ({"source": "env", "provider": "few", "id": "HOME"}, "not on the allowlist"),
    ],
)
def test_a_reference_that_is_not_resolved_says_why_and_names_the_file_to_give(
    tmp_path: Path, token: object, expected: str
) -> None:
    write(tmp_path / "open", SECRET, 0o644)
    providers = {
        "vault": {"source": "exec", "command": "/bin/false"},
        "open": {"source": "file", "path": str(tmp_path / "open"), "mode": "singleValue"},
        "few": {"source": "env", "allowlist": ["OTHER"]},
    }
    document = {"gateway": {"auth": {"mode": "token", "token": token}}, "secrets": {"providers": providers}}
    gateway = found(tmp_path, json.dumps(document))
    assert gateway.token is None
    assert expected in gateway.lacking
    assert "--token-file" in gateway.lacking
    assert SECRET not in gateway.said + gateway.lacking


def test_the_token_that_onboarding_put_into_openclaws_store_is_found_there(tmp_path: Path) -> None:
    store = tmp_path / ".openclaw" / "state" / "openclaw.sqlite"
    store.parent.mkdir(parents=True)
    with closing(sqlite3.connect(store)) as database, database:
        columns = "scope_kind, scope_id, name, value, kind, deleted_at_ms"
        database.execute(f"CREATE TABLE secret_store_entries ({columns})")
        row = ("team", "", "OPENCLAW_GATEWAY_TOKEN", SECRET, "secret", None)
        database.execute("INSERT INTO secret_store_entries VALUES (?, ?, ?, ?, ?, ?)", row)
    text = '{gateway: {auth: {token: {source: "store", provider: "default", id: "OPENCLAW_GATEWAY_TOKEN"}}}}'
    store.chmod(0o600)
    assert found(tmp_path, text).token == SECRET
    store.chmod(0o644)
    assert "can be read by others" in found(tmp_path, text).lacking


@pytest.mark.parametrize("open_file", [".openclaw/openclaw.json", ".openclaw/more.json"])
def test_a_secret_in_a_file_that_others_can_read_is_not_used_wherever_it_stands(tmp_path: Path, open_file: str) -> None:
    included = {"auth": {"token": SECRET}} if "more" in open_file else {}
    direct = {} if "more" in open_file else {"auth": {"token": SECRET}}
    write(tmp_path / ".openclaw" / "more.json", json.dumps(included), 0o644)
    text = json.dumps({"gateway": {"$include": "./more.json", **direct}})
    if open_file.endswith("more.json"):
        with pytest.raises(DiscoveryError, match=r"more\.json holds a token.*chmod 600"):
            found(tmp_path, text)
    else:
        assert found(tmp_path, text).token == SECRET
        (tmp_path / open_file).chmod(0o644)
        with pytest.raises(DiscoveryError, match=r"openclaw\.json holds a token.*chmod 600"):
            find_gateway(None, None, {"HOME": str(tmp_path)})


def test_a_profile_is_that_of_openclaw(tmp_path: Path) -> None:
    write(tmp_path / ".openclaw-work" / "openclaw.json", "{gateway: {auth: {token: 'w'}}}")
    gateway = find_gateway(None, None, {"HOME": str(tmp_path)}, Options(profile="work"))
    assert (gateway.url, gateway.token) == ("ws://127.0.0.1:41984", "w")
    with pytest.raises(DiscoveryError, match="no profile"):
        find_gateway(None, None, {"HOME": str(tmp_path)}, Options(profile="../x"))


def test_a_gateway_elsewhere_is_reached_by_its_own_url_and_never_in_the_clear(tmp_path: Path) -> None:
    text = "{gateway: {mode: 'remote', remote: {url: '%s://gw.example:443', token: 't', tlsFingerprint: '%s'}}}"
    gateway = found(tmp_path, text % ("wss", "ab" * 32))
    assert (gateway.url, gateway.token) == ("wss://gw.example:443", "t")
    assert gateway.pin is not None
    assert gateway.pin.fingerprint == "ab" * 32
    with pytest.raises(DiscoveryError, match="not encrypted"):
        found(tmp_path, "{gateway: {mode: 'remote', remote: {url: 'ws://gw.example', token: 't'}}}")


def test_limits_are_taken_over_from_json5_with_includes(tmp_path: Path) -> None:
    write(tmp_path / "d.json5", "{stuckSessionWarnMs: 0xEA60,}")
    path = write(tmp_path / "openclaw.json", "\ufeff{diagnostics: {$include: './d.json5'}} // kept apart")
    assert read_limits(path) == {"thresholds.warn_after": "1m"}
