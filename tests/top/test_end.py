"""`livewatch top` cannot outlive its terminal, whatever its threads wait for."""

import os
import pty
import subprocess
import sys
import textwrap

HANGS = textwrap.dedent("""
    import threading
    from livewatch.top.app import end_anyway
    end_anyway(7, within_s=0.05)
    threading.Event().wait()
""")
LOOKS = textwrap.dedent("""
    import sys
    from livewatch.top.app import terminal_is_there
    print(terminal_is_there(), flush=True, file=sys.stderr)
    sys.stdin.fileno()
""")


def test_a_process_whose_main_thread_waits_for_ever_ends_all_the_same() -> None:
    assert subprocess.run([sys.executable, "-c", HANGS], timeout=30, check=False).returncode == 7


def test_a_terminal_is_told_from_none() -> None:
    ours, theirs = pty.openpty()
    try:
        held = subprocess.run([sys.executable, "-c", LOOKS], stdin=theirs, capture_output=True, timeout=30, check=True)
        os.close(ours)
        left = subprocess.run([sys.executable, "-c", LOOKS], stdin=theirs, capture_output=True, timeout=30, check=True)
    finally:
        os.close(theirs)
    assert (held.stderr.strip(), left.stderr.strip()) == (b"True", b"False")
