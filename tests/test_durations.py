"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.durations import format_duration, parse_duration


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1h30m", 5400), (" 2D ", 172800)])
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["30", "1.5"])
def test_a_number_without_unit_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=f"has no unit; write {text}s or {text}ms"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 parsecs", "1h-30m", "nan", "inf"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 500ms"):
        parse_duration(text)


@given(st.floats(0, 1e9))
def test_every_printed_duration_can_be_read_again_and_is_close(seconds: float) -> None:
    assert abs(parse_duration(format_duration(seconds)) - seconds) <= max(0.051, seconds / 24)
