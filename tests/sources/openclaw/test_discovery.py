"""Where the gateway is and with what token; the token itself is never said."""

import json
from pathlib import Path

import pytest

from livewatch.sources.openclaw.discovery import DiscoveryError, find_gateway

SECRET = "s3cret-token"


def configured(folder: Path, **gateway: object) -> dict[str, str]:
    state = folder / ".openclaw"
    state.mkdir()
    config = state / "openclaw.json"
    config.write_text(json.dumps({"gateway": gateway}), encoding="utf-8")
    config.chmod(0o600)
    return {"HOME": str(folder)}


def token_file(folder: Path, mode: int = 0o600, text: str = SECRET) -> Path:
    path = folder / "token"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_port_and_token_come_from_openclaws_own_configuration(tmp_path: Path) -> None:
    environ = configured(tmp_path, port=4321, auth={"mode": "token", "token": SECRET})
    found = find_gateway(None, None, environ)
    assert (found.url, found.token) == ("ws://127.0.0.1:4321", SECRET)
    assert "openclaw.json" in found.said
    assert SECRET not in found.said


def test_flags_win_over_the_configuration(tmp_path: Path) -> None:
    environ = configured(tmp_path, port=4321, auth={"token": "other"})
    found = find_gateway("ws://127.0.0.1:9", token_file(tmp_path), environ)
    assert (found.url, found.token) == ("ws://127.0.0.1:9", SECRET)
    assert SECRET not in found.said


def test_the_port_of_the_environment_is_taken_and_its_token_is_not(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "OPENCLAW_GATEWAY_PORT": "77", "OPENCLAW_GATEWAY_TOKEN": SECRET}
    found = find_gateway(None, None, environ)
    assert (found.url, found.token) == ("ws://127.0.0.1:77", None)
    assert "OPENCLAW_GATEWAY_TOKEN is not read" in found.said
    assert SECRET not in found.said


@pytest.mark.parametrize("text", ["", "{", "[]", '{"gateway": 3}', '{"gateway": {"port": true, "auth": []}}'])
def test_a_configuration_that_cannot_be_read_leaves_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "openclaw.json").write_text(text, encoding="utf-8")
    found = find_gateway(None, None, {"HOME": "/nowhere", "OPENCLAW_STATE_DIR": str(tmp_path)})
    assert (found.url, found.token) == ("ws://127.0.0.1:18789", None)
    assert "no token" in found.said


@pytest.mark.parametrize(("mode", "text"), [(0o640, SECRET), (0o604, SECRET), (0o600, ""), (0o600, "two words")])
def test_a_token_file_that_others_may_read_or_without_a_token_is_refused(tmp_path: Path, mode: int, text: str) -> None:
    with pytest.raises(DiscoveryError) as refused:
        find_gateway(None, token_file(tmp_path, mode, text), {"HOME": str(tmp_path)})
    assert SECRET not in str(refused.value)


def test_the_token_in_a_configuration_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    environ = configured(tmp_path, auth={"token": SECRET})
    (tmp_path / ".openclaw" / "openclaw.json").chmod(0o644)
    with pytest.raises(DiscoveryError, match="chmod 600") as refused:
        find_gateway(None, None, environ)
    assert SECRET not in str(refused.value)
    assert find_gateway(None, token_file(tmp_path, text="another"), environ).token == "another"


def test_a_url_with_credentials_is_told_without_them(tmp_path: Path) -> None:
    found = find_gateway(f"ws://user:{SECRET}@127.0.0.1:9", None, {"HOME": str(tmp_path)})
    assert SECRET in found.url
    assert SECRET not in found.said
    with pytest.raises(DiscoveryError) as refused:
        find_gateway(f"http://user:{SECRET}@127.0.0.1", None, {"HOME": str(tmp_path)})
    assert SECRET not in str(refused.value)


def test_a_missing_token_file_and_a_wrong_url_are_told(tmp_path: Path) -> None:
    with pytest.raises(DiscoveryError, match="cannot be read"):
        find_gateway(None, tmp_path / "none", {})
    with pytest.raises(DiscoveryError, match="WebSocket"):
        find_gateway("http://127.0.0.1", None, {})
