import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.durations import format_duration, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h30m", 5400), (" 2d ", 172_800), ("1.5s", 1.5)]
)
def test_durations_are_read_with_their_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["30", "1.5"])
def test_a_bare_number_is_refused_with_the_unit_it_lacks(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text}s or {text}ms"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "s", "5x", "-5s", "5m-", "1h 30", "m5", "nan"])
def test_whatever_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"30s|has no unit"):
        parse_duration(text)


@given(st.floats(0.001, 1e7))
def test_what_is_shown_to_people_is_close_to_the_truth(seconds: float) -> None:
    shown = parse_duration(format_duration(seconds))

    assert shown == pytest.approx(seconds, rel=0.05, abs=0.001)


@given(st.integers(0, 10**12))
def test_what_is_written_into_a_file_is_read_back_to_the_microsecond(micros: int) -> None:
    assert parse_duration(write_duration(micros / 1e6)) == pytest.approx(micros / 1e6, abs=0.6e-6, rel=1e-12)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "250ms"), (120, "2m"), (4500, "1h15m"), (90.5, "1m30.5s"), (0, "0s")]
)
def test_a_written_duration_is_as_a_person_would_write_it(seconds: float, text: str) -> None:
    assert write_duration(seconds) == text
