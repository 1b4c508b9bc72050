"""The whole demonstration, as a new user runs it."""

import json
import subprocess
import sys

import pytest


@pytest.mark.invariant(3)
def test_the_demo_repairs_every_fault_touches_nothing_healthy_and_loses_no_message() -> None:
    command = [sys.executable, "-m", "livewatch", "demo", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    document = json.loads(ended.stdout)

    assert [fault for fault in document["faults"] if fault["problem"]] == []
    assert (document["false_actions"], document["false_blames"], document["messages_lost"]) == (0, 0, 0)
    assert document["healthy_sessions"] >= 50
    assert ended.returncode == 0
