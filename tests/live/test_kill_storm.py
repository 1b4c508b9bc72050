"""A short storm of SIGKILLs; the long one is ``make kill-storm``."""

import subprocess
import sys


def test_an_agent_that_is_killed_again_and_again_does_nothing_twice_and_leaves_nothing_unrepaired() -> None:
    storm = subprocess.run(
        [sys.executable, "-m", "tests.live.kill_storm", "--kills", "15", "--seed", "7"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert storm.returncode == 0, storm.stdout + storm.stderr
