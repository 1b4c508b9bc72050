"""`classify_lock`: whether a session's write lock is held, left behind, or beyond our sight.

A pid alone proves nothing: it is recycled (OpenClaw 5006), it may belong to another pid namespace (126524, where a
sweeper in another container stole live locks), and a live owner may have forgotten its own lock (128032). A lock may
be reclaimed on proof only; how long it has been held is told to a person and never a reason to take it away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.verdict import Evidence
from livewatch_classifiers.vocabulary import EvidenceClass, Presence

HELD_TOO_LONG_S = 300.0
PAYLOAD_GRACE_S = 5.0
"""A lock file is created first and filled in next; an empty one is young or its writer died in between."""


class LockCondition(StrEnum):
    """What a lock is."""

    HELD = "held"
    HELD_TOO_LONG = "held_too_long"  # by an owner that is not known to be gone: reported, left alone
    OWNER_DEAD = "owner_dead"
    PID_RECYCLED = "pid_recycled"
    HOLDER_UNKNOWN = "holder_unknown"  # the owner lives, and its own registry knows no holder
    PAYLOAD_MISSING = "payload_missing"
    UNVERIFIABLE = "unverifiable"  # nothing can be proved from here


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file as last observed. Moments are monotonic seconds of the observer."""

    path: str
    seen_s: float
    """When this very file was first seen; immune to jumps of the wall clock."""
    payload: Presence = Presence.UNKNOWN
    """`ABSENT`: empty or torn; `UNKNOWN`: it could not be read, or it is not a lock of a known form."""
    pid: int | None = None
    start_time: str | None = None
    """Start of the owner as it wrote it; compared for equality with `Process.start_time`."""
    pid_namespace: str | None = None
    acquired_s: float | None = None
    """When the owner says it took the lock."""
    run_id: str | None = None
    holder: Presence = Presence.UNKNOWN
    """Whether the owner's own registry knows a holder of this lock."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process as the operating system shows it."""

    alive: Presence
    """`ABSENT` also for a zombie: it can hold nothing any more."""
    start_time: str | None = None


@dataclass(frozen=True, slots=True)
class Processes:
    """What the observer knows about processes at one moment."""

    now_s: float
    known: Mapping[int, Process] = field(default_factory=lambda: MappingProxyType({}))
    """Every pid that was looked up; a pid that is missing here was not looked up."""
    pid_namespace: str | None = None
    """The namespace in which the pids of ``known`` mean something."""
    live_namespaces: frozenset[str] | None = None
    """All namespaces with live processes; ``None`` unless the observer can see every process of the host."""
    one_namespace: bool = False
    """True when the operator says that no other namespace ever writes these files."""
    blind: BlindTime = field(default_factory=BlindTime)

    def age(self, moment_s: float) -> float:
        """Return the responsive age of a moment in seconds."""
        return max(0.0, self.now_s - moment_s - self.blind.overlap(moment_s, self.now_s))


@dataclass(frozen=True, slots=True)
class LockVerdict:
    """The judgement of one lock."""

    path: str
    condition: LockCondition
    evidence_class: EvidenceClass = EvidenceClass.NONE
    reclaimable: bool = False
    """True only when it is proved that nobody can hold the lock."""
    evidence: Evidence = ()


def classify_lock(lock: Lock, processes: Processes) -> LockVerdict:
    """Return what a lock is at ``processes.now_s``. Pure and total."""
    if lock.payload is Presence.UNKNOWN:
        return _verdict(lock, processes, LockCondition.UNVERIFIABLE)
    if lock.payload is Presence.ABSENT or lock.pid is None:  # its writer may be stopped in between: no proof
        if processes.age(lock.seen_s) <= PAYLOAD_GRACE_S:
            return _verdict(lock, processes, LockCondition.HELD)
        return _verdict(lock, processes, LockCondition.PAYLOAD_MISSING, EvidenceClass.SILENCE)
    if _elsewhere(lock, processes):
        return _foreign(lock, processes)
    return _local(lock, lock.pid, processes)


def _elsewhere(lock: Lock, processes: Processes) -> bool:
    ours, theirs = processes.pid_namespace, lock.pid_namespace
    return ours is not None and theirs is not None and ours != theirs


def _foreign(lock: Lock, processes: Processes) -> LockVerdict:
    """Judge a lock of another pid namespace: its pid says nothing here, but the whole namespace may be gone."""
    live = processes.live_namespaces
    if live is not None and lock.pid_namespace not in live:
        return _verdict(lock, processes, LockCondition.OWNER_DEAD, EvidenceClass.CERTAIN, reclaimable=True)
    return _verdict(lock, processes, LockCondition.UNVERIFIABLE)


def _local(lock: Lock, pid: int, processes: Processes) -> LockVerdict:
    process = processes.known.get(pid, Process(Presence.UNKNOWN))
    proved = processes.one_namespace or (
        processes.pid_namespace is not None and processes.pid_namespace == lock.pid_namespace
    )
    if process.alive is Presence.ABSENT:
        return _verdict(lock, processes, LockCondition.OWNER_DEAD, EvidenceClass.CERTAIN, reclaimable=proved)
    if process.start_time is not None and lock.start_time is not None and process.start_time != lock.start_time:
        return _verdict(lock, processes, LockCondition.PID_RECYCLED, EvidenceClass.CERTAIN, reclaimable=proved)
    settled = processes.age(lock.seen_s) > PAYLOAD_GRACE_S  # a holder is registered after its file was created
    same = process.start_time is not None and process.start_time == lock.start_time
    if lock.holder is Presence.ABSENT and same and settled:
        return _verdict(lock, processes, LockCondition.HOLDER_UNKNOWN, EvidenceClass.CERTAIN, reclaimable=proved)
    since_s = lock.seen_s if lock.acquired_s is None else lock.acquired_s
    if processes.age(since_s) > HELD_TOO_LONG_S:
        return _verdict(lock, processes, LockCondition.HELD_TOO_LONG, EvidenceClass.SILENCE)
    if process.alive is Presence.UNKNOWN:
        return _verdict(lock, processes, LockCondition.UNVERIFIABLE)
    return _verdict(lock, processes, LockCondition.HELD)


def _verdict(
    lock: Lock,
    processes: Processes,
    condition: LockCondition,
    evidence_class: EvidenceClass = EvidenceClass.NONE,
    *,
    reclaimable: bool = False,
) -> LockVerdict:
    process = processes.known.get(lock.pid) if lock.pid is not None else None
    pairs: tuple[tuple[str, float | int | str | None], ...] = (
        ("payload", lock.payload.value),
        ("pid", lock.pid),
        ("pid_alive", None if process is None else process.alive.value),
        ("lock_start_time", lock.start_time),
        ("process_start_time", None if process is None else process.start_time),
        ("lock_pid_namespace", lock.pid_namespace),
        ("observer_pid_namespace", processes.pid_namespace),
        ("holder", lock.holder.value),
        ("seen_for_s", round(processes.age(lock.seen_s), 3)),
        ("held_for_s", None if lock.acquired_s is None else round(processes.age(lock.acquired_s), 3)),
        ("run", lock.run_id),
    )
    evidence = tuple((name, value) for name, value in pairs if value is not None)
    return LockVerdict(lock.path, condition, evidence_class, reclaimable, evidence)
