"""The gateway's signs of life, from the board's header, stall ring, histogram and stack area."""

import itertools
import struct
from collections.abc import Mapping
from dataclasses import replace
from operator import sub

from livewatch.clock import Clock
from livewatch.probe.layout import (
    HEADER,
    HEADER_FIELDS,
    HISTOGRAM_BUCKETS,
    NS_MAX,
    PHASES,
    STACK_BYTES,
    STALL_RING,
    Layout,
    bucket_middle_s,
)
from livewatch.sources.attribution import StallFacts, stall_cause
from livewatch.sources.board_slots import Reader
from livewatch.sources.host_reading import HostReading
from livewatch.sources.sleep_watch import SleepWatch
from livewatch.sources.thrashing import thrashing
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.model import BlockedStack, Vitals
from livewatch_classifiers.vocabulary import Phase, ProcessState

_STALL_S = 0.1
_KEEP_S = 24 * 3600.0
_RETRIES = 3
_MIDDLES_S = tuple(bucket_middle_s(bucket) for bucket in range(HISTOGRAM_BUCKETS))


class BoardVitals:
    """Turns cumulative header values into the vitals of the time since the last look."""

    def __init__(self, clock: Clock) -> None:
        self.ring_overruns = 0
        """Stalls that the ring had already forgotten when they were looked for."""
        self.unreadable = 0
        """Impossible header values, over all looks; they are taken as unknown."""
        self._clock = clock
        self._blind = BlindTime()
        self._stalls_seen: int | None = None
        self._histogram: tuple[int, ...] | None = None
        self._busy_idle: tuple[int, int] | None = None
        self._stack: tuple[int, BlockedStack | None] | None = None
        self._counts: tuple[int, int] | None = None
        self._facts = StallFacts(0.0)
        self._sleep = SleepWatch(clock)
        self._looked_s: float | None = None

    def look(
        self, read: Reader, layout: Layout, header: Mapping[str, int], process: ProcessState, now_s: float
    ) -> Vitals:
        """Return the vitals at ``now_s``. ``header`` must have been read before this is called.

        The writer puts a stall into the ring before it moves the heartbeat. Read in the opposite order, a stall is seen
        in the ring, as ongoing, or (harmlessly) as both; never as neither.

        Raises:
            SourceError: when ``read`` does.
        """
        data = read(0, layout.stack_at)
        values = struct.unpack_from(f"<{len(HEADER_FIELDS)}Q", data)
        fresh: dict[str, int] = dict(zip(HEADER_FIELDS, values, strict=True))
        heartbeat_s = _moment(header["loop_heartbeat_ns"])
        stalled_s = self._remember(data, layout, fresh, now_s)
        blind = self._with_ongoing(heartbeat_s, now_s)
        suspended = self._sleep.slept()
        if blind is not self._blind and heartbeat_s is not None:
            stalled_s += now_s - heartbeat_s
        self._facts = replace(self._between(fresh, now_s), stalled_s=stalled_s, suspended=suspended)
        p50_s, p99_s, max_s = self._delays(struct.unpack_from(f"<{HISTOGRAM_BUCKETS}Q", data, layout.histogram_at))
        return Vitals(
            now_s=now_s,
            blind=blind,
            phase=self._phase(fresh["phase"]),
            process=process,
            ready_s=_moment(fresh["ready_ns"]),
            loop_heartbeat_s=heartbeat_s,
            thread_heartbeat_s=_moment(header["thread_heartbeat_ns"]),
            loop_delay_p50_s=p50_s,
            loop_delay_p99_s=p99_s,
            loop_delay_max_s=max_s,
            loop_utilization=self._utilization(fresh["loop_busy_ns"], fresh["loop_idle_ns"]),
            stack=self._blocked_stack(read, layout),
            suspended=suspended,
        )

    def with_host(self, vitals: Vitals, reading: HostReading, wall_s: float) -> Vitals:
        """Return the vitals with what the host tells at Unix time ``wall_s``, and what stopped the loop, if it stood.

        The time since the last look is taken off every age, if the host thrashed in it.
        """
        before_s, self._looked_s = self._looked_s, vitals.now_s
        sick = thrashing(reading) and before_s is not None
        facts = replace(self._facts, thrashing=sick, cpu_cores=reading.cpu_cores, host_share=reading.held_up)
        vitals = reading.onto(vitals, wall_s, stall_cause(facts))
        if not sick or before_s is None:
            return vitals
        forget_s = vitals.now_s - _KEEP_S
        self._blind = self._blind.extended([(before_s, vitals.now_s)], forget_before_s=forget_s)
        return replace(vitals, blind=vitals.blind.extended(self._blind.intervals(), forget_before_s=forget_s))

    def _between(self, header: Mapping[str, int], now_s: float) -> StallFacts:
        """Return what the collector and the probe's thread lost since the last look."""
        counts = (header["gc_ns"], header["thread_late_ns"])
        before, self._counts = self._counts, counts
        if before is None:
            return StallFacts(0.0)
        collected_s, late_s = (max(0, now - then) / 1e9 for now, then in zip(counts, before, strict=True))
        collecting_s, thread_s = _moment(header["gc_since_ns"]), _moment(header["thread_heartbeat_ns"])
        if collecting_s is not None:
            collected_s += max(0.0, now_s - collecting_s)
        if thread_s is not None and now_s - thread_s > _STALL_S:
            late_s += now_s - thread_s
        return StallFacts(0.0, collected_s=collected_s, thread_late_s=late_s)

    def _phase(self, code: int) -> Phase:
        if code < len(PHASES):
            return Phase(PHASES[code])
        self.unreadable += 1
        return Phase.READY

    def _remember(self, data: bytes, layout: Layout, header: Mapping[str, int], now_s: float) -> float:
        """Take over the stalls that the ring has and we do not; return how long they were."""
        written = header["stalls"]
        oldest = max(0, written - STALL_RING)
        seen = self._stalls_seen
        if seen is None or seen > written:
            seen = oldest
        self.ring_overruns += max(0, oldest - seen)
        self._stalls_seen = written
        created_ns, until_ns = header["created_ns"], round(self._clock.monotonic_s() * 1e9)
        found: list[tuple[float, float]] = []
        for number in range(max(seen, oldest), written):
            start_ns, end_ns = struct.unpack_from("<QQ", data, layout.stalls_at + number % STALL_RING * 16)
            # An entry that is being overwritten, or is damaged, must not make the gateway blameless for ever.
            if created_ns <= start_ns < end_ns <= until_ns:
                found.append((start_ns / 1e9, end_ns / 1e9))
        if found or self._blind.starts:
            self._blind = self._blind.extended(found, forget_before_s=now_s - _KEEP_S)
        return sum(end_s - start_s for start_s, end_s in found)

    def _with_ongoing(self, heartbeat_s: float | None, now_s: float) -> BlindTime:
        """Add the stall that has not ended, for this look only: the ring will have it with its true end."""
        if heartbeat_s is None or now_s - heartbeat_s <= _STALL_S:
            return self._blind
        return self._blind.extended([(heartbeat_s, now_s)], forget_before_s=now_s - _KEEP_S)

    def _delays(self, counts: tuple[int, ...]) -> tuple[float | None, float | None, float | None]:
        """Return median, 99th percentile and maximum of the loop's delay since the last look, in seconds."""
        before, self._histogram = self._histogram, counts
        if before is None:
            return None, None, None
        new = list(map(sub, counts, before))
        total = sum(new)
        if total <= 0 or min(new) < 0:
            return None, None, None
        highest = max(bucket for bucket, count in enumerate(new) if count)
        return _quantile_s(new, total * 0.5), _quantile_s(new, total * 0.99), _MIDDLES_S[highest]

    def _utilization(self, busy_ns: int, idle_ns: int) -> float | None:
        before, self._busy_idle = self._busy_idle, (busy_ns, idle_ns)
        if before is None:
            return None
        busy, idle = busy_ns - before[0], idle_ns - before[1]
        if busy < 0 or idle < 0 or busy + idle == 0:
            return None
        return busy / (busy + idle)

    def _blocked_stack(self, read: Reader, layout: Layout) -> BlockedStack | None:
        """Return the last blocked stack; while it is being written, the one before."""
        known = self._stack
        at = HEADER["stack_seq"] * 8
        for _ in range(_RETRIES):
            seq, captured_ns, count, size = struct.unpack("<4Q", read(at, 32))
            if known is not None and known[0] == seq:
                return known[1]
            text = read(layout.stack_at, min(size, STACK_BYTES)).decode(errors="replace") if captured_ns else ""
            (after,) = struct.unpack("<Q", read(at, 8))
            if seq == after and not seq & 1:
                found = BlockedStack(captured_ns / 1e9, count, text) if captured_ns else None
                self._stack = (seq, found)
                return found
        return known[1] if known is not None else None


def _quantile_s(counts: list[int], rank: float) -> float:
    """Return the delay below or at which ``rank`` of the counted delays lie."""
    below = itertools.accumulate(counts)
    return next(_MIDDLES_S[bucket] for bucket, count in enumerate(below) if count >= rank)


def _moment(value_ns: int) -> float | None:
    return value_ns / 1e9 if 0 < value_ns <= NS_MAX else None
