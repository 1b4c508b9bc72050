"""Recordings, traces and single looks: only `RecordingError` may come out; what can be read can be replayed."""

import asyncio
import gzip
import json

from livewatch.configuration.candidate import Candidate
from livewatch.configuration.load import ConfigError
from livewatch.recording import Frame, RecordingError, encode_frame
from livewatch.recordings.lines import LineWriter, Remembered
from livewatch.replay.inputs import open_input
from livewatch.replay.replay import replay
from livewatch.replay.report import document, lines
from tests.fuzz.target import Target
from tests.fuzz.targets.config import one_line
from tests.recordings.moments import Ward
from tests.recovery.test_rehearsal import Story


class RecordingTarget(Target):
    """One file of a recording."""

    name = "recording"
    tokens = (
        b'{"v":2,"target":"gw","w":1.0',
        b'"d":{"~":{"sessions":{"=":{',
        b'"blind":{"now_s":1,"gone":true}',
        b"1e999",
        b"null",
    )
    brief = 200

    def seeds(self) -> list[bytes]:
        """Return a quiet and an eventful recording, plain and packed, and single looks."""
        ward = Ward()
        moments = asyncio.run(ward.rounds(8))
        story = asyncio.run(Story(3).run(60))
        found: list[bytes] = []
        for one in (moments, story):
            writer = LineWriter()
            found.append(b"".join(writer.line(moment, Remembered()) for moment in one[:40]))
        looks = [Frame(m.round.wall_s, "gw", m.round.snapshot) for m in moments[:4] if m.round.snapshot is not None]
        return [*found, gzip.compress(found[0]), b"\n".join(encode_frame(look) for look in looks) + b"\n"]

    def run(self, data: bytes) -> str:
        """Read it and replay it, as `livewatch replay` does."""
        path = self.folder / "gw.20261121T000000Z.0001.jsonl.gz"
        path.write_bytes(data)
        try:
            given = open_input(path)
            told = replay(given.entries, Candidate())
            json.dumps(document(told, given.notes()))
            "\n".join(lines(told, everything=True)).encode()
        except (RecordingError, ConfigError) as error:
            return one_line(error)
        return f"{min(told.rounds, 9)} {told.same} {bool(given.notes())}"
