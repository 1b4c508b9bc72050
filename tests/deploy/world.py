"""A small world of Linux namespaces: writable `/etc`, `/opt`, `/run` and `/var` that nobody else sees, and a process 1.

Needs root, Linux namespaces, a version 2 control group file system and overlayfs.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
LIVEWATCH = str(ROOT / ".venv/bin/livewatch")
_MAKE = """
set -eu
mount --make-rprivate / && mount --make-rshared /  # credentials are mounts that spread from a helper to the service
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/lw/keep
for folder in etc opt var; do
  mkdir -p /run/lw/$folder/up /run/lw/$folder/work
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/run/lw/$folder/up,workdir=/run/lw/$folder/work" /$folder
done
# What lies below root's private folder is shown to every user where it was: interpreter and tree.
n=0
for path in $SHOWN; do
  case "$path" in /root/*) n=$((n + 1)); mkdir /run/lw/keep/$n; mount --bind "$path" /run/lw/keep/$n;; esac
done
if [ $n != 0 ]; then
  mount -t tmpfs -o mode=755 tmpfs /root
  n=0
  for path in $SHOWN; do
    case "$path" in /root/*) n=$((n + 1)); mkdir -p "$path"; mount --bind /run/lw/keep/$n "$path";; esac
  done
fi
"""


class World:
    """One such world; it ends with its process 1."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def run(self, *command: str, check: bool = True, stdin: str = "") -> str:
        """Run a command in there and return what it printed on standard output."""
        inside = ["nsenter", "--target", str(self.pid), "--all", "--wd=/", *command]
        done = subprocess.run(inside, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{command}: {done.returncode}: {done.stdout} {done.stderr}"
        return done.stdout if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def write(self, path: str, text: str) -> None:
        """Write a file in there."""
        self.run("mkdir", "-p", str(Path(path).parent))
        self.run("tee", path, stdin=text)


@contextmanager
def world(first: str, log: Path, environ: Mapping[str, str] | None = None) -> Generator[World]:
    """Make a world with the script ``first`` as its process 1, hand it out, and end everything that lives in it."""
    shown = " ".join([sys.base_prefix, str(ROOT)])
    unshare = ["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc", "--cgroup", "--kill-child"]
    with log.open("w") as output:
        outer = subprocess.Popen(
            [*unshare, "bash", "-c", _MAKE + first],
            env={**os.environ, "SHOWN": shown, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: child_of(outer) != 0, "process 1")
        yield World(child_of(outer))
    finally:
        outer.send_signal(signal.SIGKILL)  # with it dies process 1, and with that everything in there
        outer.wait()


def child_of(process: "subprocess.Popen[bytes]") -> int:
    """Return the pid of a process' first child as it is known out here; 0 while there is none."""
    assert process.poll() is None, "it ended: see the log"
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return int(text.split()[0]) if text.strip() else 0
