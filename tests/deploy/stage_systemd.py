"""A real systemd as process 1 of a world of its own: knows only the units that it is given, leaves nothing behind."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.world import World, world
from tests.waiting import until

UNITS = "/run/lw/units"
_FIRST = f"""
mkdir -p {UNITS} /run/lw/none
echo 'gateway:x:64999:64999::/nonexistent:/usr/sbin/nologin' >> /etc/passwd
echo 'gateway:x:64999:' >> /etc/group
for stub in sysinit basic shutdown multi-user proof; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > {UNITS}/$stub.target
done
export container=lw SYSTEMD_UNIT_PATH={UNITS} SYSTEMD_GENERATOR_PATH=/run/lw/none
exec /lib/systemd/systemd --system --unit=proof.target --log-target=console --show-status=0
"""


class Machine(World):
    """The small world in which that systemd rules."""

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
    with world(_FIRST, log) as made:
        booted = Machine(made.pid)
        state = ("systemctl", "is-active", "proof.target")
        until(lambda: booted.run(*state, check=False).strip() == "active", "systemd")
        yield booted
