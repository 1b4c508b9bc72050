"""Takes over what the OpenTelemetry SDK logs: many lines while a collector is away, each with its URL."""

import logging
import threading
from collections.abc import Callable, Mapping

_ROOT = "opentelemetry"
_EXPORTERS = "opentelemetry.exporter"
_NOBODY = logging.NullHandler()


class SdkLog(logging.Handler):
    """Keeps what the exporters say of each export for whoever counts failures; tells other messages once each."""

    def __init__(self, say: Callable[[str, str, Mapping[str, object]], None]) -> None:
        super().__init__(logging.WARNING)
        self._words: dict[int, str] = {}
        self._causes: dict[int, str] = {}
        self._say = say
        self._told: set[tuple[str, str]] = set()
        logging.getLogger(_ROOT).addHandler(self)

    @property
    def heard(self) -> bool:
        """Whether an export under way has complained, on any thread."""
        return bool(self._words or self._causes)

    def begin(self) -> None:
        """Forget what was said on this thread: a new export begins."""
        self._words.pop(threading.get_ident(), None)
        self._causes.pop(threading.get_ident(), None)

    def reason(self) -> str:
        """Return why the export on this thread failed: its cause where somebody saw it, else the SDK's last words."""
        mine = threading.get_ident()
        return self._causes.get(mine) or self._words.get(mine) or "the exporter gave no reason"

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message. With a handler present, Python no longer prints it by itself."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:  # gRPC's exporter passes False
            text = f"{text}: {record.exc_info[1]!r}"
        if record.name.startswith(_EXPORTERS):
            cause = getattr(record, "cause", None)
            kept = self._words if cause is None else self._causes
            kept[record.thread or 0] = text
        elif (record.name, str(record.msg)) not in self._told:
            self._told.add((record.name, str(record.msg)))
            self._say("warning", "livewatch.telemetry.sdk", {"logger": record.name, "detail": text})

    def close(self) -> None:
        """Stop listening. Exports that outlive us go on without a word: Python would print theirs as bare lines."""
        logging.getLogger(_ROOT).addHandler(_NOBODY)  # once, however often
        logging.getLogger(_ROOT).removeHandler(self)
        super().close()
