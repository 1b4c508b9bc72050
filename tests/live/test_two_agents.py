"""Two real agents on one real gateway: one acts, the other observes, says so, and follows when the first is killed."""

import asyncio
import signal
import subprocess
from typing import Any

import pytest

from livewatch.gateway_lease import one_address
from livewatch.local_api.client import AgentUnreachable, ask
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway
from tests.sources.openclaw.fake_gateway import FakeGateway
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]


def acting(place: Place, name: str) -> dict[str, Any]:
    try:
        document = ask(place.folder / name, "GET", "/v1/status")
    except AgentUnreachable:
        return {}
    return {"acts": document["acts"], "actor": document["actor"]}


def test_the_second_observes_and_names_the_first_and_follows_it_after_sigkill(place: Place, start: Start) -> None:
    gateway(place, start)
    first = agent(place, start, "--agent-socket", place.folder / "one")
    until(lambda: acting(place, "one").get("acts"), "the first acts")
    agent(place, start, "--agent-socket", place.folder / "two")
    until(lambda: acting(place, "two"), "the second answers")

    observed = acting(place, "two")
    assert observed["acts"] is False
    assert f"pid {first.pid} " in observed["actor"]

    first.send_signal(signal.SIGKILL)
    first.wait()
    until(lambda: acting(place, "two").get("acts"), "the second acts")
    assert acting(place, "two") == {"acts": True, "actor": ""}


def openclaw_agent(place: Place, start: Start, name: str, url: str) -> "subprocess.Popen[str]":
    """Start an agent that shares neither name nor state folder nor journal with the others."""
    paths = ["--agent-socket", place.folder / name, "--state-dir", place.folder / f"state-{name}"]
    token = ["--token-file", place.folder / "token"]
    return start("run", "--source", "openclaw", "--url", url, *token, "--name", name, *paths, "--mode", "abort")


async def test_two_names_and_two_state_folders_are_still_one_lease_on_one_openclaw(
    place: Place, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both acted: the lease lay in the state folder, under the agent's own name (D16)."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place.folder))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    (place.folder / "token").write_text("secret")
    (place.folder / "token").chmod(0o600)
    async with FakeGateway().serving() as openclaw, FakeGateway().serving() as another:
        first = openclaw_agent(place, start, "one", openclaw.url)
        await asyncio.to_thread(until, lambda: acting(place, "one").get("acts"), "the first acts")
        openclaw_agent(place, start, "two", openclaw.url.replace("127.0.0.1", "localhost"))
        openclaw_agent(place, start, "three", another.url)
        await asyncio.to_thread(until, lambda: acting(place, "two"), "the second answers")
        observed = await asyncio.to_thread(acting, place, "two")
        await asyncio.to_thread(until, lambda: acting(place, "three").get("acts"), "another gateway's agent acts")

        assert observed["acts"] is False
        assert f"pid {first.pid} " in observed["actor"]

        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
        await asyncio.to_thread(until, lambda: acting(place, "two").get("acts"), "the second acts")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://localhost:18789", "127.0.0.1:18789"),
        ("ws://[::1]:18789/path", "127.0.0.1:18789"),
        ("wss://Host.Example", "host.example:443"),
        ("ws://127.0.0.1:99999", None),
        ("nonsense", None),
    ],
)
def test_every_name_of_one_address_is_one_address(url: str, address: str | None) -> None:
    assert one_address(url) == address
