"""JSON5, as OpenClaw's parser takes it: comments, unquoted keys, trailing commas, a byte order mark."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from livewatch.sources.openclaw.configuration.problem import ConfigurationProblem

LARGEST_BYTES = 2 << 20
"""OpenClaw's own bound for an included file."""
_PLACE = re.compile(r"^<string>:(\d+) ")
_SURROGATE = re.compile("[\ud800-\udfff]")
_KEPT = 16


def parse(data: bytes, path: Path) -> Any:
    """Return what a file says. It belongs to a cache: do not change it.

    Raises:
        ConfigurationProblem: when it is not JSON5, is too large or goes too deep.
    """
    if len(data) > LARGEST_BYTES:
        raise ConfigurationProblem(f"{path} is larger than {LARGEST_BYTES >> 20} MiB")
    try:
        return _parse(data.decode("utf-8", "replace"))  # as Node decodes it
    except RecursionError:
        raise ConfigurationProblem(f"{path} goes too deep") from None
    except ValueError as error:  # not chained: its text may quote the file
        place = _PLACE.match(str(error))
        where = f" (line {place.group(1)})" if place else ""
        raise ConfigurationProblem(f"{path} is not JSON5{where}") from None


@lru_cache(maxsize=_KEPT)
def _parse(text: str) -> Any:
    """Return what a text says; kept, as the parser takes a second for 100 kB, and each try reads the text."""
    try:
        return json.loads(text)
    except ValueError:  # most files that a program wrote are plain JSON, and this is a thousand times as fast
        import json5  # noqa: PLC0415 -- only for files that need it

        return _joined(json5.loads(text))


def _joined(value: Any) -> Any:
    r"""Return the value with each character that was written as two escapes (``\ud83d\ude00``) made whole."""
    if isinstance(value, str):
        return (
            value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _SURROGATE.search(value) else value
        )
    if isinstance(value, list):
        return [_joined(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {_joined(key): _joined(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
