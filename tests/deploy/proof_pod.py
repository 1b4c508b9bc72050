"""The complete Kubernetes example, lived through as a kubelet would have it live."""

import json
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.stage_pod import Pod, pod
from tests.deploy.world import LIVEWATCH
from tests.waiting import until


@pytest.fixture(name="stage")
def fixture_stage(tmp_path: Path) -> Generator[Pod]:
    with pod(tmp_path / "pod.log") as made:
        yield made


def status(stage: Pod) -> dict[str, Any]:
    said = stage.world.run(LIVEWATCH, "status", "--json", "--agent", "/run/livewatch/agent/socket", check=False)
    found: dict[str, Any] = json.loads(said.partition("\nlivewatch:")[0])
    return found


def until_state(stage: Pod, *states: str) -> None:
    until(lambda: status(stage)["vitals"]["state"] in states, str(states))


def probes(stage: Pod) -> tuple[int, int]:
    return stage.probe("startupProbe"), stage.probe("livenessProbe")


def test_the_sidecar_is_ready_before_its_gateway_outlives_it_and_ends_after_it(stage: Pod) -> None:
    sidecar = stage.start("initContainers")
    until(lambda: stage.probe("startupProbe") == 200, "the startup probe")
    until_state(stage, "gone")
    gateway = stage.start("containers")
    until_state(stage, "responsive")
    until(lambda: status(stage)["acts"], "the lease")
    until(lambda: status(stage)["vitals"]["rss_bytes"], "what a shared process namespace shows")

    gateway.send(signal.SIGKILL)
    gateway.wait()
    until_state(stage, "gone")
    without = probes(stage)
    gateway = stage.start("containers")
    until_state(stage, "responsive")

    sidecar.send(signal.SIGKILL)
    sidecar.wait()
    sidecar = stage.start("initContainers")
    until(lambda: stage.probe("startupProbe") == 200, "the startup probe of the second life")
    until(lambda: status(stage)["acts"], "the lease of the one that was killed")
    until_state(stage, "responsive")

    gateway.send(signal.SIGTERM)
    ended = [gateway.wait(), *probes(stage)]
    sidecar.send(signal.SIGTERM)
    assert without == (200, 200)
    assert [*ended, sidecar.wait()] == [0, 200, 200, 0]


def test_the_liveness_probe_notices_an_agent_that_stands_still(stage: Pod) -> None:
    sidecar = stage.start("initContainers")
    until(lambda: probes(stage) == (200, 200), "a living sidecar")
    sidecar.send(signal.SIGSTOP)
    until(lambda: stage.probe("livenessProbe") == 0, "a probe that fails")
    sidecar.send(signal.SIGCONT)
    until(lambda: stage.probe("livenessProbe") == 200, "a living sidecar again")
