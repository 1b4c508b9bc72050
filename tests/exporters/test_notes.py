"""What other parts note becomes a line of the log, and logging is left as it was."""

import logging
from collections.abc import Mapping

from livewatch_exporters.notes import Notes

Line = tuple[str, str, Mapping[str, object]]


def test_notes_are_lines_with_their_part_and_stop_when_closed() -> None:
    lines: list[Line] = []
    log, root = logging.getLogger("livewatch.talkative"), logging.getLogger("livewatch")
    log.setLevel(logging.INFO)
    before = (root.level, root.propagate, list(root.handlers))
    notes = Notes(lambda level, event, fields: lines.append((level, event, fields)), "gw")
    log.info("connecting to %s", "ws://x")
    log.warning("no permission")
    log.debug("not this")
    logging.getLogger("livewatch.other").info("nor this")
    notes.close()
    log.error("nor this")

    assert lines == [
        ("info", "livewatch.note", {"target": "gw", "part": "talkative", "detail": "connecting to ws://x"}),
        ("warning", "livewatch.note", {"target": "gw", "part": "talkative", "detail": "no permission"}),
    ]
    assert (root.level, root.propagate, list(root.handlers)) == before


def test_an_error_is_told_with_its_exception() -> None:
    lines: list[Line] = []
    notes = Notes(lambda level, event, fields: lines.append((level, event, fields)), "gw")
    try:
        raise OSError("full")
    except OSError:
        logging.getLogger("livewatch.x").exception("cannot write")
    notes.close()
    assert (lines[0][0], lines[0][2]["detail"]) == ("error", "cannot write: OSError('full')")
