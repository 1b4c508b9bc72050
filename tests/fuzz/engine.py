"""Runs a target over its corpus and over mutations of it; what reached new lines is mutated further."""

import hashlib
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import CodeType, FrameType

from tests.fuzz.target import Finding, Target

ROOT = str(Path(__file__).parents[2])
_OURS = re.compile(re.escape(ROOT) + r"/(livewatch|classifiers|exporters)/")
_SHRINK_TRIES = 300
_POOL_MAX = 3000


class Hang(BaseException):
    """An input took too much time of the processor; no handler of ours may swallow it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding."""

    target: str
    signature: str
    text: str
    data: bytes

    @property
    def file_name(self) -> str:
        """The name of its corpus entry."""
        return f"finding-{hashlib.sha256(self.data).hexdigest()[:10]}"


@dataclass(slots=True)
class Tally:
    """What a run over one target came to."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    pool: int = 0
    lines: int = 0
    outcomes: set[str] = field(default_factory=set[str])
    found: dict[str, Found] = field(default_factory=dict[str, Found])


class Coverage:
    """Which lines of ours were reached, over all inputs; costs several times the run itself."""

    def __init__(self) -> None:
        self.lines: set[tuple[CodeType, int]] = set()
        self._ours: dict[CodeType, bool] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _argument: object) -> "Callable[..., object] | None":
        code = frame.f_code
        known = self._ours.get(code)
        if known is None:
            known = self._ours[code] = _OURS.match(code.co_filename) is not None
        return self._line if known else None

    def _line(self, frame: FrameType, _event: str, _argument: object) -> "Callable[..., object]":
        self.lines.add((frame.f_code, frame.f_lineno))
        return self._line


class Fuzzer:
    """One target, one seed: the same inputs in the same order, however fast the machine is."""

    def __init__(self, target: Target, seed: int, *, coverage: Coverage | None = None) -> None:
        self.target = target
        self.tally = Tally(target.name)
        self._random = Random(f"{seed}:{target.name}")
        self._coverage = coverage
        self._pool: list[bytes] = []

    def corpus(self) -> Tally:
        """Run everything that is kept and made, unchanged."""
        began_s = time.monotonic()
        for data in [*(data for _, data in self.target.kept()), *self.target.seeds()]:
            self._pool.append(data)
            self._one(data)
        self.tally.seconds += time.monotonic() - began_s
        return self.tally

    def mutations(self, *, count: int | None = None, seconds: float | None = None) -> Tally:
        """Run mutations, so many or for so long."""
        began_s = time.monotonic()
        done = 0
        while (count is None or done < count) and (seconds is None or time.monotonic() - began_s < seconds):
            base = self._random.choice(self._pool or [b""])
            data = self.target.mutated(self._random, base, self._pool)
            if self._one(data) and len(self._pool) < _POOL_MAX:
                self._pool.append(data)
            done += 1
        self.tally.seconds += time.monotonic() - began_s
        return self.tally

    def _one(self, data: bytes) -> bool:
        """Run one input; return whether it did something new."""
        tally = self.tally
        tally.executions += 1
        before = len(self._coverage.lines) if self._coverage is not None else 0
        told = self._attempt(data)
        if isinstance(told, Found) and told.signature not in tally.found:
            tally.found[told.signature] = self._shrunk(told)
        outcome = told.signature if isinstance(told, Found) else re.sub(r"\d+", "0", told)[:80]
        fresh = outcome not in tally.outcomes and len(tally.outcomes) < _POOL_MAX
        tally.outcomes.add(outcome)
        if self._coverage is not None:
            tally.lines = len(self._coverage.lines)
            fresh = tally.lines > before
        tally.pool = len(self._pool)
        return fresh

    def _attempt(self, data: bytes) -> "str | Found":
        try:
            with _bounded(self.target.cpu_s), _threads() as ended:
                with self._coverage.watching() if self._coverage is not None else nullcontext():
                    outcome = self.target.run(data)
                for error in ended:
                    raise error
                return outcome
        except Exception as error:  # noqa: BLE001 -- that is what we are looking for
            return Found(
                self.target.name, _signature(error), "".join(traceback.format_exception(error, limit=-6)), data
            )
        except Hang as error:
            return Found(self.target.name, "hang", "".join(traceback.format_exception(error, limit=-6)), data)

    def _shrunk(self, found: Found) -> Found:
        """Return the same finding with less input, as far as some hundred attempts lead."""
        if found.signature == "hang":
            return found
        best, tries, size = found, 0, max(1, len(found.data) // 2)
        while size and tries < _SHRINK_TRIES:
            at, shrunk = 0, False
            while at < len(best.data) and tries < _SHRINK_TRIES:
                tries += 1
                told = self._attempt(best.data[:at] + best.data[at + size :])
                if isinstance(told, Found) and told.signature == found.signature:
                    best, shrunk = told, True
                else:
                    at += size
            size = size if shrunk and size > 1 else size // 2
        return best


@contextmanager
def _threads() -> Iterator[list[BaseException]]:
    """Collect what ended threads meanwhile: nobody else would hear of it."""
    ended: list[BaseException] = []
    before, threading.excepthook = threading.excepthook, lambda told: ended.append(told.exc_value or told.exc_type())
    try:
        yield ended
    finally:
        threading.excepthook = before


def _signature(error: BaseException) -> str:
    """Return what tells one defect from another: the kind of error and where in our code it came from."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if _OURS.match(frame.filename):
            where = f" at {frame.filename.removeprefix(ROOT)[1:]}:{frame.name}"
    words = re.sub(r"\d+", "0", str(error).split("\n")[0])[:60] if isinstance(error, Finding) else ""
    return f"{type(error).__name__}{f' ({words})' if words else ''}{where}"


@contextmanager
def _bounded(cpu_s: float) -> Iterator[None]:
    """Raise `Hang` after so much time of the processor: unlike a clock, it does not depend on who else is running."""

    def late(_signal: int, _frame: object) -> None:
        raise Hang(f"more than {cpu_s:g} s of the processor")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
