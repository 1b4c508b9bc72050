"""The log: structured lines on stderr, JSON for machines and plain text for a person at a terminal."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

from livewatch_exporters.line_writer import LineWriter
from livewatch_exporters.redaction import redact
from livewatch_exporters.telemetry_settings import LogFormat, LogLevel

_Fields = dict[str, Any]
_Render = Callable[[_Fields], str]
Also = Callable[[str, str, Mapping[str, object], datetime], None]


class Log:
    """`say` takes fields that nobody changes afterwards; it neither blocks nor raises for what it is given."""

    def __init__(
        self,
        stream: TextIO,
        log_format: LogFormat,
        environ: Mapping[str, str],
        on_dropped: Callable[[], None] = lambda: None,
        level: LogLevel = LogLevel.INFO,
    ) -> None:
        self.also: Also | None = None
        """Told of every record, without secrets, on the writer's thread; it must not raise."""
        self._writer = LineWriter(stream)
        self._on_dropped = on_dropped
        self._level = level
        terminal = stream.isatty()
        self._text = log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and terminal)
        colours = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._render: _Render = _for_people(colours=colours) if self._text else _for_machines

    def say(self, level: str, event: str, fields: Mapping[str, object], wall_s: float | None = None) -> None:
        """Write one line about ``event`` if its level is wanted; ``wall_s`` is Unix time, now by default."""
        if self.also is None and not self._level.admits(level):
            return
        moment = datetime.now(UTC) if wall_s is None else datetime.fromtimestamp(wall_s, UTC)
        if not self._writer.write(partial(self._line, level, event, fields, moment)):
            self._on_dropped()

    def close(self, timeout_s: float) -> None:
        """Write what is queued, for at most ``timeout_s`` seconds."""
        self._writer.close(timeout_s)

    def _line(self, level: str, event: str, fields: Mapping[str, object], moment: datetime) -> str | None:
        told: _Fields = {"timestamp": moment.isoformat(timespec="milliseconds"), "level": level, "event": event}
        kept = redact({name: value for name, value in fields.items() if value is not None and value != ""})
        if self.also is not None:
            self.also(level, event, kept, moment)
            if not self._level.admits(level):
                return None
        told |= kept
        if self._text:
            told = {name: _one_line(value) for name, value in told.items()}
        return self._render(told)


def _for_people(*, colours: bool) -> _Render:
    from structlog.dev import ConsoleRenderer  # noqa: PLC0415 -- 5 MiB with rich and pygments; a service writes JSON

    render = ConsoleRenderer(colors=colours, pad_event_to=34)
    return lambda told: str(render(None, told["level"], told))


def _for_machines(told: _Fields) -> str:
    return json.dumps(told, default=str)


def _one_line(value: Any) -> Any:
    """A name that comes from outside must not move a person's cursor or fake a second line."""
    if not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)
