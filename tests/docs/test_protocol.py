"""``docs/protocol.md`` against the layout that writer and reader share, byte by byte."""

import re
from dataclasses import dataclass
from pathlib import Path

from livewatch.probe import layout

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
CAPACITY = 7
"""Any number that is not 0 and divides nothing here."""
SIZES = {"u64": 8, "i64": 8, "record": layout.RECORD_BYTES}


@dataclass(frozen=True)
class Row:
    name: str
    at: int
    unit: str
    size: int


def cells_under(heading: str) -> list[list[str]]:
    """Return the cells of the only table under a heading, without its two head lines."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n### {heading}\n")[1].split("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def offset(text: str) -> int:
    fixed, per_slot = re.fullmatch(r"(\d+)(?: \+ (\d+) C)?", text).groups()  # type: ignore[union-attr]  # or it fails
    return int(fixed) + int(per_slot or 0) * CAPACITY


def width(kind: str) -> tuple[str, int]:
    """Return the unit and the size in bytes of ``u64``, ``u64[36]``, ``i64[C]``, ``text[24]``, ``record[C]``."""
    unit, *counts = re.findall(r"\w+", kind)
    size = SIZES.get(unit, 1)
    for count in counts:
        size *= CAPACITY if count == "C" else int(count)
    return unit, size


def table(heading: str) -> list[Row]:
    rows = [cells for cells in cells_under(heading) if cells[2]]
    return [Row(name.strip("`"), offset(at), *width(kind)) for at, name, kind, _meaning in rows]


def test_the_header_is_as_the_page_says() -> None:
    names = [name for name in layout.HEADER_FIELDS if not name.startswith("contended_")]
    expected = [Row(name, layout.HEADER[name] * 8, "u64", 8) for name in names]
    pairs = [(w, h) for w in layout.LANES for h in layout.LANES]
    contended = layout.HEADER["contended_main_main"] * 8
    where = layout.Layout(CAPACITY)
    expected += [
        Row("contended_WAITER_HOLDER", contended, "u64", 8 * len(pairs)),
        Row("stall ring", where.stalls_at, "u64", layout.STALL_RING * 16),
        Row("loop-delay histogram", where.histogram_at, "u64", layout.HISTOGRAM_BUCKETS * 8),
        Row("blocked stack", where.stack_at, "text", layout.STACK_BYTES),
    ]

    assert table("Header") == expected
    assert [layout.HEADER[f"contended_{w}_{h}"] * 8 for w, h in pairs] == [
        contended + 8 * (6 * layout.LANES.index(w) + layout.LANES.index(h)) for w, h in pairs
    ]


def test_the_session_slots_are_as_the_page_says() -> None:
    where = layout.Layout(CAPACITY)
    expected = [Row(name, where.column_at(name), "i64", CAPACITY * 8) for name in layout.COLUMNS]
    expected.append(Row("records", where.record_at(0), "record", layout.RECORD_BYTES * CAPACITY))

    assert table("Session slots") == expected
    assert offset(cells_under("Session slots")[-1][0]) == where.total_bytes


def test_a_record_is_as_the_page_says() -> None:
    where = layout.Layout(CAPACITY)
    begin = where.record_at(3)
    expected = [Row(name, where.field_at(name, 3) - begin, "i64", 8) for name in layout.RECORD_FIELDS]
    expected += [Row(name, where.text_at(name, 3) - begin, "text", size) for name, size in layout.TEXT_FIELDS.items()]

    assert table("Record") == expected
    assert where.record_at(4) - begin == layout.RECORD_BYTES


def test_every_byte_of_the_board_is_told_once() -> None:
    rows = table("Header") + table("Session slots")

    assert [row.at for row in rows] == [sum(row.size for row in rows[:n]) for n in range(len(rows))]
    assert sum(row.size for row in table("Record")) == layout.RECORD_BYTES


def test_the_codes_are_as_the_page_says() -> None:
    told = {name: tuple(word.strip("`") for word in words if word) for name, *words in cells_under("Codes")}

    assert told == {
        "phases": layout.PHASES,
        "states": layout.STATES,
        "presences": layout.PRESENCES,
        "lane kinds": layout.LANES,
        "activities": layout.ACTIVITIES,
        "waits": layout.WAITS,
        "terminal marks": layout.TERMINALS,
    }


def test_the_page_names_the_version_and_the_sizes_of_this_build() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (capacity, total) = re.findall(r"C = ([\d,]+) makes ([\d,]+)\s+bytes", text)[0]

    assert f"# Board (version {layout.VERSION})" in text
    assert {cells[1]: cells[3] for cells in cells_under("Header")}["`version`"] == str(layout.VERSION)
    assert f"{layout.Layout(1).header_bytes:,} bytes of header and {layout.SLOT_BYTES} bytes" in text
    assert layout.Layout(int(capacity.replace(",", ""))).total_bytes == int(total.replace(",", ""))


def test_the_buckets_are_counted_as_the_page_says() -> None:
    for delay_ns in (999_999, 1_000_000, 1_999_999, 2_000_000, 47_123_456, 10**9, 10**13):
        k = (delay_ns // 10**6).bit_length() - 1
        b = 10**6 * 2**k if k >= 0 else 0
        told = 0 if delay_ns < 10**6 else min(320, 1 + 16 * k + 16 * (delay_ns - b) // b)
        assert layout.bucket_of(delay_ns) == told
