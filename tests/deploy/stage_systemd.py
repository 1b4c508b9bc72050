"""A real systemd as process 1 of namespaces of its own: knows only the units that it is given, leaves nothing behind.

Needs root, Linux namespaces, a version 2 control group file system and overlayfs.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
USER = "gateway"
_STUBS = ("sysinit", "basic", "shutdown", "multi-user", "proof")
_MAKE = """
set -eu
mount --make-rprivate / && mount --make-rshared /  # credentials are mounts that spread from a helper to the service
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/lw/units /run/lw/none /run/lw/keep
for folder in etc opt var; do
  mkdir -p /run/lw/$folder/up /run/lw/$folder/work
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/run/lw/$folder/up,workdir=/run/lw/$folder/work" /$folder
done
# What lies below root's private folder is shown to the gateway's user where it was: interpreter and tree.
n=0
for path in "$@"; do
  case "$path" in /root/*) n=$((n + 1)); mkdir /run/lw/keep/$n; mount --bind "$path" /run/lw/keep/$n;; esac
done
if [ $n != 0 ]; then
  mount -t tmpfs -o mode=755 tmpfs /root
  n=0
  for path in "$@"; do
    case "$path" in /root/*) n=$((n + 1)); mkdir -p "$path"; mount --bind /run/lw/keep/$n "$path";; esac
  done
fi
echo 'gateway:x:64999:64999::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
echo 'gateway:x:64999:' >> /etc/group
for stub in $STUBS; do printf '[Unit]\\nDefaultDependencies=no\\n' > /run/lw/units/$stub.target; done
export container=lw SYSTEMD_UNIT_PATH=/run/lw/units SYSTEMD_GENERATOR_PATH=/run/lw/none
exec /lib/systemd/systemd --system --unit=proof.target --log-target=console --show-status=0
"""


class Machine:
    """The small world in which that systemd rules."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def run(self, *command: str, check: bool = True, stdin: str = "") -> str:
        """Run a command in there and return what it printed on standard output."""
        inside = ["nsenter", "--target", str(self._pid), "--all", "--wd=/", *command]
        done = subprocess.run(inside, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{command}: {done.returncode}: {done.stdout} {done.stderr}"
        return done.stdout if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def write(self, path: str, text: str) -> None:
        """Write a file in there."""
        self.run("mkdir", "-p", str(Path(path).parent))
        self.run("tee", path, stdin=text)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Return properties of a unit."""
        lines = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def shown(self, unit: str, name: str) -> str:
        """Return one property of a unit."""
        return self.show(unit, name)[name]


@contextmanager
def machine(log: Path) -> Generator[Machine]:
    """Boot, hand out, and end everything that lives in there."""
    shown = [sys.base_prefix, str(ROOT)]
    unshare = ["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc", "--cgroup", "--kill-child"]
    with log.open("w") as output:
        outer = subprocess.Popen(
            [*unshare, "bash", "-c", _MAKE, "lw", *shown],
            env=dict(os.environ, STUBS=" ".join(_STUBS)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: _child(outer) != 0, "process 1")
        made = Machine(_child(outer))
        until(lambda: made.run("systemctl", "is-active", "proof.target", check=False).strip() == "active", "systemd")
        yield made
    finally:
        outer.send_signal(signal.SIGKILL)  # with it dies process 1, and with that everything in there
        outer.wait()


def _child(outer: "subprocess.Popen[bytes]") -> int:
    assert outer.poll() is None, "the namespaces could not be made: see the log"
    text = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text(encoding="ascii")
    return int(text.split()[0]) if text.strip() else 0
