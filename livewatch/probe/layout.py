"""The vitals board, byte by byte: the one description that writer and reader share (``docs/protocol.md`` says it too).

Little-endian; every field 8 bytes wide and 8-byte aligned unless it is a text, so that a store of one field is never
torn. A board is a header, two columns (``capacity`` consecutive values of ``seq``, then of ``progress_ns``: whoever
looks for what changed reads no more), and one record for each session slot with everything else.
"""

from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

MAGIC = int.from_bytes(b"LIVEWTCH", "little")
VERSION = 5

LANES: tuple[str, ...] = ("main", "subagent", "cron", "nested", "session", "other")
DRAIN_OUTCOMES: tuple[str, ...] = ("finished", "cleared", "abandoned")

HEADER_FIELDS: tuple[str, ...] = (
    "magic",
    "version",
    "header_bytes",
    "capacity",
    "pid",
    "start_ticks",  # field 22 of /proc/PID/stat; 0 where there is no /proc
    "boot_id_low",
    "boot_id_high",
    "pid_namespace",  # inode of /proc/self/ns/pid
    "loop_thread",  # native id of the loop's thread
    "created_ns",
    "phase",
    "ready_ns",
    "loop_heartbeat_ns",
    "thread_heartbeat_ns",
    "loop_samples",  # how often the loop sampler ran
    "loop_busy_ns",
    "loop_idle_ns",
    "gc_ns",  # time in full garbage collections
    "gc_since_ns",  # when the one that runs now began
    "thread_late_ns",  # by how much the probe's thread woke late, where that was more than 20 ms
    "slots_used",  # slots below this index were in use at some time
    "sessions_overflowed",  # sessions that found no free slot
    "names_truncated",
    "slots_reused",
    "drops_lane_busy",
    "drops_run_active",
    "drops_draining",
    "drops_disabled",
    "drops_other",
    "stalls",  # stalls ever written to the ring
    "stack_seq",  # sequence lock over the stack area
    "stack_captured_ns",
    "stack_count",
    "stack_bytes",
    *(f"drained_{outcome}" for outcome in DRAIN_OUTCOMES),
    *(f"contended_{waiter}_{holder}" for waiter in LANES for holder in LANES),
)
"""Each an unsigned 64-bit integer, in this order, from offset 0."""

HEADER: dict[str, int] = {name: index for index, name in enumerate(HEADER_FIELDS)}

STALL_RING = 64
"""Entries of (start_ns, end_ns) that keep the latest loop stalls; entry ``n % STALL_RING`` is stall ``n``."""
STACK_BYTES = 4096

HISTOGRAM_FLOOR_NS = 1_000_000
HISTOGRAM_STEPS = 16
"""Linear buckets per doubling: a bucket is at most 1/16 of its lower bound wide, so its middle is within 3.2 %."""
HISTOGRAM_BUCKETS = 1 + HISTOGRAM_STEPS * 20
"""Bucket 0 is below 1 ms; the last ends at 2 ** 20 ms, which is 17 min."""

SLOT_FIELDS: tuple[str, ...] = (
    "seq",  # odd while the slot is being written
    "progress_ns",
    "used",
    "state",
    "state_since_ns",
    "generation",
    "queued",  # NONE when the gateway cannot tell
    "oldest_queued_ns",
    "lane_kind",
    "owner",
    "run_started_ns",
    "run_timeout_ns",
    "abort_requested_ns",
    "activity",
    "activity_owner",
    "activity_since_ns",
    "activity_allowance_ns",
    "child_pid",
    "wait",
    "wait_since_ns",
    "wait_deadline_ns",
    "wait_delivered",
    "terminal",
    "repeats",
    "repeating_since_ns",
    "in_store",
    "store_says_running",
    "holder",
    "unheard_ns",  # progress_ns as the probe stamped it itself; a run that reported nothing later was never heard
)
"""Each a signed 64-bit integer. ``0`` in a ``*_ns`` field means "none". The first are columns, the rest of a record."""
COLUMNS = ("seq", "progress_ns")
RECORD_FIELDS: tuple[str, ...] = SLOT_FIELDS[len(COLUMNS) :]
NONE = -1
NS_MAX = 2**62
"""No number on the board is larger: 146 years in nanoseconds."""

TEXT_FIELDS: dict[str, int] = {"key": 96, "id": 40, "run_id": 40, "handle": 24, "activity_run": 40, "activity_name": 32}
"""Behind a record's numbers: UTF-8 texts of at most this many bytes, filled up with zero bytes."""
_TEXTS_AT = dict(zip(TEXT_FIELDS, accumulate(TEXT_FIELDS.values(), initial=len(RECORD_FIELDS) * 8), strict=False))
RECORD_BYTES = len(RECORD_FIELDS) * 8 + sum(TEXT_FIELDS.values())
SLOT_BYTES = len(COLUMNS) * 8 + RECORD_BYTES
assert SLOT_BYTES <= 512  # noqa: PLR2004 -- the promise of docs/protocol.md

STATES: tuple[str, ...] = ("idle", "processing", "waiting")
PRESENCES: tuple[str, ...] = ("absent", "present")
"""Index, or `NONE` for unknown."""
ACTIVITIES: tuple[str, ...] = (
    "embedded_run",
    "model_call",
    "tool_call",
    "compaction",
    "preparation",
    "delivery",
    "maintenance",
)
WAITS: tuple[str, ...] = (
    "approval",
    "question",
    "lane_admission",
    "provider_backoff",
    "subagent",
    "setup",
    "drain",
    "runtime_owned",
)
TERMINALS: tuple[str, ...] = ("none", "item_end", "turn_end")
PHASES: tuple[str, ...] = ("starting", "ready", "draining")
DROPS: tuple[str, ...] = ("lane_busy", "run_active", "draining", "disabled", "other")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie on a board of a given capacity; offsets and sizes in bytes."""

    capacity: int

    @property
    def stalls_at(self) -> int:
        """Offset of the stall ring."""
        return len(HEADER_FIELDS) * 8

    @property
    def histogram_at(self) -> int:
        """Offset of the loop-delay histogram: cumulative counts, so that no reader steals another's window."""
        return self.stalls_at + STALL_RING * 16

    @property
    def stack_at(self) -> int:
        """Offset of the blocked stack's text."""
        return self.histogram_at + HISTOGRAM_BUCKETS * 8

    @property
    def header_bytes(self) -> int:
        """Offset of the first column."""
        return self.stack_at + STACK_BYTES

    def column_at(self, field: str) -> int:
        """Offset of a column."""
        return self.header_bytes + COLUMNS.index(field) * self.capacity * 8

    def record_at(self, slot: int) -> int:
        """Offset of the record of one slot."""
        return self.header_bytes + len(COLUMNS) * self.capacity * 8 + slot * RECORD_BYTES

    def field_at(self, field: str, slot: int) -> int:
        """Offset of one number of one slot."""
        if field in COLUMNS:
            return self.column_at(field) + slot * 8
        return self.record_at(slot) + RECORD_FIELDS.index(field) * 8

    def text_at(self, field: str, slot: int) -> int:
        """Offset of one text of one slot."""
        return self.record_at(slot) + _TEXTS_AT[field]

    @property
    def total_bytes(self) -> int:
        """Size of the whole file."""
        return self.record_at(self.capacity)


def to_ns(seconds: float | None) -> int:
    """Return a duration as whole nanoseconds; 0, which means "none", for ``None``, nonsense and what never ends."""
    if seconds is None or not 0 < seconds < NS_MAX / 1e9:
        return 0
    return round(seconds * 1e9)


def shown(field: str, text: str) -> str:
    """Return the text as it stands on the board: whole if it fits, else its beginning with a digest of the rest."""
    width = TEXT_FIELDS[field]
    data = text.encode("utf-8", "replace")
    if len(data) <= width:
        return text
    mark = f"~{blake2b(data, digest_size=5).hexdigest()}"
    return data[: width - len(mark)].decode("utf-8", "ignore") + mark


def bucket_of(delay_ns: int) -> int:
    """Return the histogram bucket of a loop delay."""
    if delay_ns < HISTOGRAM_FLOOR_NS:
        return 0
    doublings = (delay_ns // HISTOGRAM_FLOOR_NS).bit_length() - 1
    base_ns = HISTOGRAM_FLOOR_NS << doublings
    step = (delay_ns - base_ns) * HISTOGRAM_STEPS // base_ns
    return min(HISTOGRAM_BUCKETS - 1, 1 + doublings * HISTOGRAM_STEPS + step)


def bucket_middle_s(bucket: int) -> float:
    """Return the delay in seconds that stands for a bucket; within 3.2 % of every delay in it."""
    if bucket == 0:
        return HISTOGRAM_FLOOR_NS / 2e9
    doublings, step = divmod(bucket - 1, HISTOGRAM_STEPS)
    base_s = (HISTOGRAM_FLOOR_NS << doublings) / 1e9
    return base_s * (1 + (step + 0.5) / HISTOGRAM_STEPS)
