"""Takes over what the OpenTelemetry SDK logs: many lines while a collector is away, each with its URL."""

import logging
from collections.abc import Callable, Mapping

_ROOT = "opentelemetry"
_EXPORTERS = "opentelemetry.exporter"


class SdkLog(logging.Handler):
    """Keeps the exporters' last words for whoever counts their failures; tells each other kind of message once."""

    def __init__(self, say: Callable[[str, str, Mapping[str, object]], None]) -> None:
        super().__init__(logging.WARNING)
        self.last_words = ""
        self._say = say
        self._told: set[tuple[str, str]] = set()
        logging.getLogger(_ROOT).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message. With a handler present, Python no longer prints it by itself."""
        text = record.getMessage()
        if record.exc_info is not None and record.exc_info[1] is not None:
            text = f"{text}: {record.exc_info[1]!r}"
        if record.name.startswith(_EXPORTERS):
            self.last_words = text
        elif (record.name, str(record.msg)) not in self._told:
            self._told.add((record.name, str(record.msg)))
            self._say("warning", "livewatch.telemetry.sdk", {"logger": record.name, "detail": text})

    def close(self) -> None:
        """Let the SDK log as it pleases again."""
        logging.getLogger(_ROOT).removeHandler(self)
        super().close()
