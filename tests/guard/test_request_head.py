"""The strict reader of requests, for any bytes whatever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.guard.request_head import BODY_BYTES_MAX, BadRequest, RequestHead, json_object

_LINE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
_PARTS = [
    "GET /a HTTP/1.1", "POST /b?c=d HTTP/1.0", "Host: x", "A:", "", " b", "\t", "X: \x00", "Y: \r",
    "Content-Length: 3", "Content-Length: +3", "Content-Length:\x0b3", "Content-Length : 3", "Z: a\nContent-Length: 9",
    "Transfer-Encoding: chunked",
]  # fmt: skip
_MUTATED = st.lists(st.sampled_from(_PARTS) | _LINE, max_size=6)


def read(head: bytes) -> RequestHead | None:
    try:
        return RequestHead.parse(head)
    except BadRequest as error:
        refused = error
    assert "\n" not in str(refused)
    assert 400 <= refused.status < 600
    return None


@given(st.binary(max_size=300) | _MUTATED.map(lambda lines: "\r\n".join([*lines, "", ""]).encode("latin-1")))
def test_any_bytes_are_one_plain_request_or_refused(head: bytes) -> None:
    found = read(head)
    if found is None:
        return
    text = head.decode("ascii")
    assert text.startswith(f"{found.method} {found.target} HTTP/1.")
    assert found.target.startswith("/")
    assert 0 <= found.body_bytes <= BODY_BYTES_MAX
    assert "transfer-encoding" not in text.lower()
    assert text.lower().count("content-length:") <= 1
    assert not set(text) & set("\x00\x0b\x0c")
    assert "\n" not in text.replace("\r\n", "")
    assert "\r" not in text.replace("\r\n", "")


@given(st.binary(max_size=200))
def test_any_body_is_an_object_or_refused(body: bytes) -> None:
    try:
        found = json_object(body)
    except BadRequest as error:
        said = str(error)
    else:
        said = ""
        assert isinstance(found, dict)
    assert "\n" not in said


@pytest.mark.parametrize(("head", "length"), [("", 0), ("Content-Length: 0\r\n", 0), ("content-length:\t007 \r\n", 7)])
def test_a_length_is_what_its_digits_say(head: str, length: int) -> None:
    found = RequestHead.parse(f"POST /a?b=c HTTP/1.1\r\n{head}\r\n".encode())
    assert found == RequestHead("POST", "/a?b=c", length)
