"""Reads the parameters of a request strictly: what is not of its type is refused, by name, in one line.

A query has no types of its own. There, a flag is ``true`` or ``false``, a number is written as in JSON, and a list has
commas between. A name that is given twice is refused, as two readers could take different ones of the two.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from livewatch.guard.request_head import json_object
from livewatch.local_api.requests import Duration, Request

R = TypeVar("R", bound=Request)
_FIELDS_MAX = 64
_SHOWN_CHARACTERS = 40
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,39})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_KINDS = {bool: "a flag", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}


class BadParameter(ValueError):  # noqa: N818 -- reads as what it is
    """A parameter that is not what it must be; the text names it and says what was expected."""


def from_query(kind: type[R], query: str) -> R:
    """Return the request that a query string holds.

    Raises:
        BadParameter: for a parameter that is unknown, given twice, missing, or not of its type.
        ValueError: when the query cannot be split into parameters.
    """
    texts: dict[str, str] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_MAX):
        if name in texts:
            raise BadParameter(f"{_shown(name)}: given twice")
        texts[name] = text
    return _decoded(kind, texts, _from_text)


def from_values(kind: type[R], given: Mapping[str, Any]) -> R:
    """Return the request with these parameters, which have types already.

    Raises:
        BadParameter: for a parameter that is unknown, missing, or not of its type.
    """
    return _decoded(kind, given, lambda value, _expected: value)


def from_body(kind: type[R], body: bytes) -> R:
    """Return the request that a JSON body holds; an empty body is an empty object.

    Raises:
        BadParameter: for a parameter that is unknown, missing, or not of its type.
        BadRequest: when the body is no JSON object, or names a parameter twice.
    """
    return from_values(kind, json_object(body))


def _decoded(kind: type[R], given: Mapping[str, Any], read: Callable[[Any, inspect.Type], Any]) -> R:
    known = _fields(kind)
    for name in given:
        if name not in known:
            raise BadParameter(f"there is no parameter {_shown(name)} here; known: {', '.join(known) or 'none'}")
    values: dict[str, Any] = {}
    for name, (attribute, declared, expected, required) in known.items():
        if name in given:
            values[attribute] = _value(name, read(given[name], expected), declared, expected)
        elif required:
            raise BadParameter(f"{name}: not given; expected {_words(expected)}")
    return kind(**values)


def _value(name: str, value: Any, declared: Any, expected: inspect.Type) -> Any:
    if isinstance(value, str) and not _is_text(value):
        raise BadParameter(f"{name}: half a character; expected {_words(expected)}")
    if isinstance(expected, inspect.CustomType):
        try:
            return Duration.parse(value)
        except ValueError as error:
            raise BadParameter(f"{name}: {error}") from None
    try:
        return msgspec.convert(value, declared, strict=True)
    except msgspec.ValidationError:
        got = _KINDS.get(type(value), "null")  # pyright: ignore[reportUnknownArgumentType]
        raise BadParameter(f"{name}: expected {_words(expected)}; got {got}, {_shown(value)}") from None


@cache
def _fields(kind: type[Request]) -> Mapping[str, tuple[str, Any, inspect.Type, bool]]:
    """Return, by its name on the wire, each parameter's attribute, declared type, what is expected and if required."""
    described = {found.encode_name: found for found in struct_of(kind).fields}
    return {
        found.encode_name: (found.name, found.type, value_type(described[found.encode_name].type), found.required)
        for found in msgspec.structs.fields(kind)
    }


def struct_of(kind: type[Request]) -> inspect.StructType:
    """Return what msgspec knows of a request's type."""
    found = inspect.type_info(kind)
    assert isinstance(found, inspect.StructType)
    return found


def value_type(found: inspect.Type) -> inspect.Type:
    """Return the type of a value that is given, without its description and without that it may be left out."""
    if isinstance(found, inspect.Metadata):
        return value_type(found.type)
    return found


def _from_text(text: str, expected: inspect.Type) -> Any:
    """Return what a query says as JSON would have it; a text that is no such value stays text, and is refused."""
    match expected:
        case inspect.BoolType():
            return {"true": True, "false": False}.get(text, text)
        case inspect.IntType():
            return int(text) if _WHOLE_NUMBER.fullmatch(text) else text
        case inspect.FloatType():
            return float(text) if _NUMBER.fullmatch(text) else text
        case inspect.VarTupleType():
            return text.split(",")
        case _:
            return text


def _words(expected: inspect.Type) -> str:
    match expected:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number from {expected.ge} to {expected.le}"
        case inspect.FloatType():
            return "a number"
        case inspect.StrType():
            return f"a text of {expected.min_length} to {expected.max_length} characters"
        case inspect.EnumType():
            return f"one of {', '.join(member.value for member in expected.cls)}"
        case inspect.VarTupleType():
            return f"{_words(expected.item_type)}, or several of them"
        case _:
            return "a duration like 30s or 1h30m"


def _shown(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _is_text(value: str) -> bool:
    """Return whether this can be written down: half of a pair of surrogates cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
