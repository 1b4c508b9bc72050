"""Small changes to bytes, lines and JSON; the same random numbers give the same change."""

import json
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, cast

_WORDS = (
    0,
    1,
    -1,
    2,
    127,
    255,
    4096,
    1 << 20,
    (1 << 31) - 1,
    1 << 31,
    1 << 32,
    1 << 53,
    1 << 62,
    (1 << 63) - 1,
    -(1 << 63),
)
_JSON: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    3.5,
    1e308,
    -1e308,
    10**30,
    -(10**30),
    float("nan"),
    float("inf"),
    "",
    "x",
    "\0",
    "\ud800",
    "\u202e",
    "a" * 300,
    "0",
    "-1",
    "1e999",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"key": {}},
    ["x", 1, None],
)
_VALUES = (
    b'""',
    b"0",
    b"-1",
    b"1",
    b"true",
    b"nan",
    b"inf",
    b"-inf",
    b"1e400",
    b"9" * 30,
    b'"0s"',
    b'"1ms"',
    b'"99999999999d"',
    b'"-1s"',
    b"[]",
    b"{}",
    b'[""]',
    b'["a", 1]',
    b"[[[]]]",
    b'"\\u0000"',
    b'"~nobody-here/x"',
    b'"*"',
    b'"[a"',
    b"1979-05-27",
    b"'x'",
    b'"\\\\"',
    b'"\xe2\x80\xae"',
    b'"' + b"a" * 300 + b'"',
)
_LARGEST_BYTES = 1 << 20
_DEEP = 100_000


class Mutator:
    """Changes one input a few times over."""

    def __init__(self, random: Random, tokens: Sequence[bytes] = ()) -> None:
        self._random = random
        self._tokens = tokens
        self._bytewise: list[Callable[[bytearray], None]] = [
            self._flip,
            self._set,
            self._word,
            self._delete,
            self._duplicate,
            self._truncate,
            self._extend,
        ]
        self._textual: list[Callable[[bytearray], None]] = [self._token, self._lines, self._json, self._value]

    def mutated(self, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Return another input; ``pool`` is where pieces of others come from."""
        changed = bytearray(data)
        for _ in range(1 + int(self._random.expovariate(0.7))):
            if pool and self._random.random() < 0.05:
                self._splice(changed, self._random.choice(pool))
                continue
            family = self._textual if self._random.random() < 0.6 else self._bytewise
            self._random.choice(family)(changed)
        return bytes(changed[:_LARGEST_BYTES])

    def json_value(self, value: Any) -> Any:
        """Return a document with one change somewhere inside."""
        if isinstance(value, dict) and value and self._random.random() < 0.85:
            return self._object(cast("dict[str, Any]", value))
        if isinstance(value, list) and value and self._random.random() < 0.85:
            items = list(cast("list[Any]", value))
            at = self._random.randrange(len(items))
            match self._random.randrange(4):
                case 0:
                    del items[at]
                case 1:
                    items.insert(at, items[self._random.randrange(len(items))])
                case _:
                    items[at] = self.json_value(items[at])
            return items
        return self._random.choice(_JSON)

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        table = dict(value)
        key = self._random.choice(list(table))
        match self._random.randrange(8):
            case 0:
                del table[key]
            case 1:
                table[self._random.choice(["", "x", "\ud800", key + "2"])] = table[key]
            case 2:
                other = self._random.choice(list(table))
                table[key], table[other] = table[other], table[key]
            case _:
                table[key] = self.json_value(table[key])
        return table

    def _at(self, data: bytearray) -> int:
        return self._random.randrange(len(data) + 1)

    def _range(self, data: bytearray) -> slice:
        start = self._at(data)
        return slice(start, start + 1 + int(self._random.expovariate(1 / 24)))

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _set(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] = self._random.choice((0, 1, 10, 13, 32, 34, 127, 128, 255))

    def _word(self, data: bytearray) -> None:
        if len(data) >= 8:
            at = self._random.randrange(len(data) // 8) * 8
            data[at : at + 8] = struct.pack("<q", self._random.choice(_WORDS))

    def _delete(self, data: bytearray) -> None:
        del data[self._range(data)]

    def _duplicate(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = data[self._range(data)]

    def _truncate(self, data: bytearray) -> None:
        if self._random.random() < 0.3:
            del data[self._at(data) :]

    def _extend(self, data: bytearray) -> None:
        data += self._random.choice((bytes(64), b"\xff" * 64, self._random.randbytes(64), bytes(8192)))

    def _splice(self, data: bytearray, other: bytes) -> None:
        if other:
            begins = self._random.randrange(len(other))
            at = self._at(data)
            data[at:] = other[begins : begins + self._random.randrange(1, 4096)]

    def _token(self, data: bytearray) -> None:
        if self._tokens:
            at = self._at(data)
            data[at:at] = self._random.choice(self._tokens)

    def _lines(self, data: bytearray) -> None:
        lines = bytes(data).split(b"\n")
        one, other = self._random.randrange(len(lines)), self._random.randrange(len(lines))
        match self._random.randrange(3):
            case 0:
                lines[one], lines[other] = lines[other], lines[one]
            case 1:
                lines.insert(other, lines[one])
            case _:
                del lines[one]
        data[:] = b"\n".join(lines)

    def _json(self, data: bytearray) -> None:
        lines = bytes(data).split(b"\n")
        at = self._random.randrange(len(lines))
        if self._random.random() < 0.01:
            lines[at] = self._random.choice((b"[" * _DEEP, b'{"a":' * _DEEP, b"9" * 5000))
        else:
            try:
                lines[at] = json.dumps(self.json_value(json.loads(lines[at]))).encode()
            except (ValueError, RecursionError):
                return
        data[:] = b"\n".join(lines)

    def _value(self, data: bytearray) -> None:
        """Put another value behind an equals sign, as in TOML."""
        lines = bytes(data).split(b"\n")
        at = self._random.randrange(len(lines))
        key, sign, value = lines[at].partition(b"=")
        if not sign:
            return
        deep = b"[" * _DEEP if self._random.random() < 0.01 else None
        other = lines[self._random.randrange(len(lines))].partition(b"=")[2]
        lines[at] = key + sign + b" " + (deep or self._random.choice((*_VALUES, other or value)))
        data[:] = b"\n".join(lines)
