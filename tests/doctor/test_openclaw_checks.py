"""The doctor about an OpenClaw gateway, against a server that speaks its protocol."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livewatch.configuration.settings import Settings, SourceKind, TargetSettings
from livewatch.doctor import config_checks, openclaw_checks
from livewatch.doctor.case import AgentAnswer, Case, gather
from livewatch.doctor.finding import Health
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import Mode
from tests.doctor.conftest import ABOUT, STATUS
from tests.sources.openclaw.fake_gateway import FakeGateway, ok, refused
from tests.waiting import until


@pytest.fixture(name="gateway")
def _gateway() -> Iterator[FakeGateway]:
    """A gateway on a loop of its own: a doctor's check runs a loop itself."""
    gateway, ended = FakeGateway(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with gateway.serving():
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    until(lambda: gateway.url, "the gateway")
    yield gateway
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def case(url: str | None, folder: Path, **settings: object) -> Case:
    target = TargetSettings(name="t", source=SourceKind.OPENCLAW, url=url)
    base = replace(Settings(), target=target, **settings)  # type: ignore[arg-type]  # test shorthand
    return replace(gather(base, environ={"HOME": str(folder)}), settings=base)


def test_a_gateway_that_answers_is_named_with_its_version(gateway: FakeGateway, tmp_path: Path) -> None:
    found = openclaw_checks.connection(case(gateway.url, tmp_path))
    assert (found.health, "OpenClaw 2026.9.6" in found.text) == (Health.OK, True)
    gateway.answers["connect"] = lambda _: ok({"server": {"version": "2027.1"}})
    found = openclaw_checks.connection(case(gateway.url, tmp_path))
    assert (found.health, "2027.1" in found.text) == (Health.WARNING, True)
    gateway.answers["connect"] = lambda _: refused("UNAUTHORIZED", "token mismatch")
    found = openclaw_checks.connection(case(gateway.url, tmp_path))
    assert (found.health, "--token-file" in found.fix) == (Health.FAILURE, True)


def test_nobody_there_and_a_wrong_file_are_failures_with_a_fix(tmp_path: Path) -> None:
    assert openclaw_checks.connection(case("ws://127.0.0.1:1", tmp_path)).health is Health.FAILURE
    assert openclaw_checks.connection(case("http://x", tmp_path)).health is Health.FAILURE


@pytest.mark.parametrize(
    ("mode", "abort_after_s", "health", "said"),
    [
        (Mode.OBSERVE, 900.0, Health.OK, "only observes"),
        (Mode.ABORT, 360.0, Health.OK, "acts before"),
        (Mode.ABORT, 600.0, Health.WARNING, "would act after that"),
    ],
)
def test_who_acts_first_is_said(tmp_path: Path, mode: Mode, abort_after_s: float, health: Health, said: str) -> None:
    limits, policy = Thresholds(abort_after_s=abort_after_s), Policy(mode=mode)
    found = openclaw_checks.own_repairs(case(None, tmp_path, thresholds=limits, recovery=policy))
    assert (found.health, said in found.text) == (health, True)


def test_the_mode_of_the_running_agent_counts_and_not_that_of_the_settings(tmp_path: Path) -> None:
    """`recovery: mode abort` and `livewatch only observes` stood on one page."""
    answer = AgentAnswer(ABOUT, STATUS | {"mode": "abort", "thresholds": {"warn_after_s": 5.0, "abort_after_s": 15.0}})
    running = replace(case(None, tmp_path, recovery=Policy(mode=Mode.OBSERVE)), agent=answer)

    assert "livewatch acts before, at 15s" in openclaw_checks.own_repairs(running).text
    assert config_checks.recovery(running).text == "mode abort"


def test_other_sources_are_skipped() -> None:
    other = gather(Settings(), environ={})
    assert openclaw_checks.connection(other).health is Health.SKIPPED
    assert openclaw_checks.own_repairs(other).health is Health.SKIPPED
