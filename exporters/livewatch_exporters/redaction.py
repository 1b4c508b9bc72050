"""Keeps secrets out of log lines: by the name of a field and by the shape of a value."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

HIDDEN = "[redacted]"
_NAMES = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|pwd|secrets?|(?:[a-z]*[_-])?tokens?|api[_-]?keys?|apikey|auth|authorization|"
    r"credentials?|(?:set-)?cookies?|private[_-]?key|client[_-]?secret)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VALUES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{6,}"), HIDDEN),
    (re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(r"(?i)\b(api[_-]?key|token|secret|password|passwd)(\s*[=:]\s*)(?!\[redacted\])[^\s&,;\"']+"),
        rf"\1\2{HIDDEN}",
    ),
)


def redact_text(text: str) -> str:
    """Return ``text`` with everything that looks like a secret replaced."""
    for pattern, replacement in _VALUES:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, name: str = "") -> Any:
    """Return ``value`` without secrets; mappings and lists are copied, other types are left alone."""
    if name and _NAMES.search(_CAMEL.sub("_", name).lower()):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {key: redact(item, str(key)) for key, item in pairs}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [redact(item) for item in cast("Sequence[object]", value)]
    return value
