"""What the kernel's files say about the host and about the gateway's control group; from copies of such files."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from livewatch.sources.cgroup import ControlGroup
from livewatch.sources.host import HostSampler
from livewatch.sources.host_load import HostLoad, swap_used
from livewatch.sources.host_reading import HostReading
from livewatch.sources.pressure import Pressure, pressure_of
from tests.waiting import until

PSI = "some avg10={some} avg60=0.00 avg300=0.00 total=1\nfull avg10={full} avg60=0.00 avg300=0.00 total=1\n"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Machine:
    """A /proc and a /sys/fs/cgroup in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.groups = root / "cgroup"

    def write(self, path: str, text: str) -> None:
        file = self.proc.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def group(self, pid: int = 7) -> ControlGroup:
        return ControlGroup.of(pid, proc=self.proc, groups=self.groups)


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_pressure_is_a_share_over_ten_seconds() -> None:
    assert Pressure.parse(PSI.format(some="50.00", full="12.50")) == Pressure(0.5, 0.125)
    assert Pressure.parse("some avg10=50.00") == Pressure(0.5, None)
    assert Pressure.parse("full avg10=x\n\nsome") == Pressure()
    assert Pressure.parse("") == Pressure()


def test_the_gateways_own_group_is_asked_before_the_host(machine: Machine) -> None:
    machine.write("proc/pressure/memory", PSI.format(some="90.00", full="80.00"))
    machine.write("proc/7/cgroup", "0::/kube/pod/gateway\n")
    assert pressure_of("memory", machine.group(), proc=machine.proc) == Pressure(0.9, 0.8)
    machine.write("cgroup/kube/pod/gateway/cgroup.procs", "7\n")
    machine.write("cgroup/kube/pod/gateway/memory.pressure", PSI.format(some="3.00", full="1.00"))
    assert pressure_of("memory", machine.group(), proc=machine.proc) == Pressure(0.03, 0.01)


def test_inside_a_container_the_root_of_the_tree_is_the_group(machine: Machine) -> None:
    machine.write("proc/7/cgroup", "0::/../seen-from-elsewhere\n")
    machine.write("cgroup/cgroup.procs", "7\n")
    machine.write("cgroup/memory.max", "536870912\n")
    machine.write("cgroup/cpu.stat", "usage_usec 5\nnr_throttled 2\nthrottled_usec 2500000\n")
    group = machine.group()
    assert (group.memory_limit_bytes(), group.throttled_s()) == (512 << 20, 2.5)


def test_the_smallest_memory_limit_on_the_way_up_counts(machine: Machine) -> None:
    machine.write("proc/7/cgroup", "0::/pod/gateway\n")
    machine.write("cgroup/pod/gateway/cgroup.procs", "")
    machine.write("cgroup/pod/gateway/memory.max", "max\n")
    assert machine.group().memory_limit_bytes() is None
    machine.write("cgroup/pod/memory.max", "1000\n")
    assert machine.group().memory_limit_bytes() == 1000


def test_version_1_groups_tell_throttling_and_limit_too(machine: Machine) -> None:
    machine.write("proc/7/cgroup", "9:name=systemd:/\n4:memory:/box\n1:cpu,cpuacct:/box\n0::/\n")
    machine.write("cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n")
    machine.write("cgroup/cpu/box/cpu.stat", "nr_periods 9\nthrottled_time 1500000000\n")
    assert (machine.group().memory_limit_bytes(), machine.group().throttled_s()) == (None, 1.5)
    machine.write("cgroup/memory/box/memory.limit_in_bytes", "4096\n")
    assert machine.group().memory_limit_bytes() == 4096


def test_without_groups_everything_is_unknown(machine: Machine) -> None:
    group = machine.group()
    assert (group.throttled_s(), group.memory_limit_bytes(), group.pressure("cpu")) == (None, None, "")
    assert pressure_of("cpu", group, proc=machine.proc) == Pressure()
    assert HostLoad.now(machine.proc) == HostLoad()
    assert HostLoad.now(machine.proc).steal_since(HostLoad()) is None
    assert swap_used(machine.proc) is None


def test_steal_is_a_share_of_all_cpu_time_and_swapping_counts_both_ways(machine: Machine) -> None:
    machine.write("proc/stat", "cpu  100 0 100 700 0 0 0 100 50 0\ncpu0 1 1\n")
    machine.write("proc/vmstat", "pgfault 9\npswpin 10\npswpout 5\n")
    before = HostLoad.now(machine.proc)
    machine.write("proc/stat", "cpu  110 0 110 720 0 0 0 160 90 0\n")
    machine.write("proc/vmstat", "pswpin 20\npswpout 6\n")
    after = HostLoad.now(machine.proc)
    assert after.steal_since(before) == 0.6
    assert before.steal_since(before) is None
    assert (before.swapped_bytes, after.swapped_bytes) == (15 * PAGE_BYTES, 26 * PAGE_BYTES)


def test_swap_is_the_share_in_use(machine: Machine) -> None:
    machine.write("proc/meminfo", "MemTotal: 9 kB\nSwapTotal:       1000 kB\nSwapFree:         260 kB\n")
    assert swap_used(machine.proc) == 0.74
    machine.write("proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n")
    assert swap_used(machine.proc) is None


def test_a_sampler_on_a_poor_system_measures_what_it_can_and_says_once_what_it_cannot(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    """As on macOS, where there is neither /proc nor pressure information."""
    sampler = HostSampler(period_s=0.02, proc=machine.proc, groups=machine.groups)
    with caplog.at_level(logging.WARNING):
        until(lambda: sampler.reading(os.getpid()).cpu_cores is not None)
        first = sampler.reading(os.getpid()).measured_s
        until(lambda: sampler.reading(os.getpid()).measured_s != first)
        reading = sampler.reading(os.getpid())
    sampler.close()
    assert None not in (reading.rss_bytes, reading.threads, reading.process_status, reading.voluntary_switches_per_s)
    assert (reading.cpu_pressure_some, reading.cpu_steal, reading.cpu_waited, reading.held_up) == (None,) * 4
    assert len([record for record in caplog.records if "pressure" in record.message]) == 1


def test_a_sampler_makes_rates_of_throttling_waiting_and_swapping(machine: Machine) -> None:
    pid = os.getpid()
    machine.write(f"proc/{pid}/cgroup", "0::/\n")
    machine.write("cgroup/cgroup.procs", "")

    def totals(throttled_usec: int, waited_ns: int, pages: int) -> None:
        machine.write("cgroup/cpu.stat", f"throttled_usec {throttled_usec}\n")
        machine.write(f"proc/{pid}/task/{pid}/schedstat", f"500 {waited_ns} 3\n")
        machine.write("proc/vmstat", f"pswpin {pages}\npswpout 0\n")

    seen: list[HostReading] = []

    def sees(holds: Callable[[HostReading], bool]) -> bool:
        seen.append(sampler.reading(pid))
        return holds(seen[-1])

    totals(0, 0, 0)
    sampler = HostSampler(period_s=0.02, proc=machine.proc, groups=machine.groups)
    until(lambda: sees(lambda reading: reading.cpu_throttled == 0.0))
    totals(10**12, 10**15, 10**6)
    until(lambda: sees(lambda reading: (reading.swap_bytes_per_s or 0.0) > 0.0))
    until(lambda: sees(lambda reading: reading.held_up == 0.0))
    sampler.close()
    assert max(reading.cpu_throttled or 0.0 for reading in seen) == 1.0
    assert max(reading.cpu_waited or 0.0 for reading in seen) == 1.0
    assert max(reading.held_up or 0.0 for reading in seen) == 1.0
