"""The head of one HTTP/1.1 request, read strictly: what two readers could understand differently is refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 64 * 1024
_HEADERS_MAX = 64
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~](?:[ \t]*[!-~])*)?)[ \t]*")
_LENGTH = re.compile(r"[0-9]{1,19}")


class BadRequest(Exception):  # noqa: N818 -- reads as what it is
    """A request that is not served, with the status to answer."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Method, target and length of the body of one request."""

    method: str
    target: str
    body_bytes: int

    @classmethod
    def parse(cls, head: bytes) -> "RequestHead":
        """Return the request that these bytes begin, up to and with the empty line.

        Raises:
            BadRequest: for anything that is not plainly one request with at most `BODY_BYTES_MAX` of body.
        """
        try:
            first, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
        except UnicodeDecodeError:
            raise BadRequest("not an HTTP request: bytes outside ASCII; write them as %XX") from None
        request = _REQUEST_LINE.fullmatch(first)
        if request is None:
            raise BadRequest("not an HTTP request: the first line is METHOD /PATH HTTP/1.1")
        return cls(request[1], request[2], _body_bytes(_headers(lines)))


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds; an empty body is an empty object.

    Raises:
        BadRequest: for anything else.
    """
    try:
        document: object = _read_json(body.decode("utf-8")) if body else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not a JSON object: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest("the body is not a JSON object")
    return cast("dict[str, Any]", document)


def _headers(lines: list[str]) -> Mapping[str, str]:
    if len(lines) > _HEADERS_MAX:
        raise BadRequest(f"at most {_HEADERS_MAX} headers", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise BadRequest("not an HTTP request: a header is NAME: VALUE on one line")
        name = found[1].lower()
        if name in headers:
            raise BadRequest(f"the header {name} is given twice")
        headers[name] = found[2]
    return headers


def _body_bytes(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest("no transfer encoding is understood; give a Content-Length", HTTPStatus.NOT_IMPLEMENTED)
    if "expect" in headers:
        raise BadRequest("send the body without asking first", HTTPStatus.EXPECTATION_FAILED)
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise BadRequest("Content-Length must be digits only")
    if int(length) > BODY_BYTES_MAX:
        raise BadRequest(f"at most {BODY_BYTES_MAX} bytes of body", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(length)


def _read_json(text: str) -> object:
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_each_once)


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object; one that is given twice could be read either way."""
    document = dict(members)
    if len(document) < len(members):
        names = [name for name, _ in members]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return document
