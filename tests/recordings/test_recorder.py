"""The recorder: on a real disk, with a real thread, and with everything that may befall both."""

import asyncio
import logging
import os
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livewatch.configuration.candidate import Candidate
from livewatch.recording import RecordingError
from livewatch.recordings.entry import Said
from livewatch.recordings.files import SUFFIX, Recording
from livewatch.recordings.recorder import Recorder, RecorderSettings
from livewatch.recovery.rounds import Moment
from livewatch.replay.replay import replay
from tests.recordings.moments import Ward
from tests.recovery.test_rehearsal import Story
from tests.waiting import until

Record = Callable[..., Recorder]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recording"


@pytest.fixture
def record(folder: Path) -> Iterator[Record]:
    started: list[Recorder] = []

    def make(**settings: object) -> Recorder:
        recorder = Recorder(folder, "gw", RecorderSettings(**settings))  # type: ignore[arg-type]  # test shorthand
        recorder.start()
        started.append(recorder)
        return recorder

    yield make
    for recorder in started:
        recorder.close(20.0)


def rounds(ward: Ward, count: int) -> list[Moment]:
    return asyncio.run(ward.rounds(count))


def read(folder: Path) -> list[Said]:
    return [entry.said for entry in Recording(folder).entries()]


def test_what_was_seen_and_said_comes_back_and_only_its_owner_may_read_it(record: Record, folder: Path) -> None:
    recorder = record()
    moments = rounds(Ward(recorder), 20)
    assert recorder.close(20.0)
    assert read(folder) == [Said.of(moment) for moment in moments]
    assert (recorder.written, recorder.dropped, recorder.problem) == (20, 0, "")
    (file,) = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)


def test_the_oldest_files_go_first_and_each_file_can_be_read_by_itself(record: Record, folder: Path) -> None:
    recorder = record(bytes_max=6_000, files=4, flush_s=0.0)
    ward = Ward(recorder)
    for _ in range(20):
        rounds(ward, 20)
        written = len(ward.kept.moments)
        until(lambda: recorder.written == written, "the rounds on disk")  # noqa: B023 -- called at once
    assert recorder.close(20.0)
    files = sorted(folder.iterdir())
    assert 1 < len(files) <= 5
    assert sum(file.stat().st_size for file in files) < 6_000 + 1_500
    newest = [Said.of(moment) for moment in ward.kept.moments]
    kept = read(folder)
    assert kept == newest[-len(kept) :]
    assert len(kept) < len(newest)
    for file in files:
        (first, *_rest) = Recording(file).entries()
        assert first.memory_before is not None
        assert first.missing == 0


def test_a_full_queue_loses_rounds_counts_them_and_tells_the_hole(folder: Path) -> None:
    recorder = Recorder(folder, "gw", RecorderSettings(queue_rounds=3))  # not started: nobody empties its queue
    ward = Ward(recorder)
    rounds(ward, 10)
    assert recorder.dropped == 7
    recorder.start()
    until(lambda: recorder.written == 3, "the queue to be empty")
    rounds(ward, 1)
    assert recorder.close(20.0)
    entries = list(Recording(folder).entries())
    assert [entry.missing for entry in entries] == [0, 0, 0, 7]
    assert entries[-1].memory_before == ward.kept.moments[-2].memory


def test_a_disk_that_refuses_is_told_once_and_recording_goes_on_when_it_is_back(
    record: Record, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way", encoding="utf-8")
    recorder = record(retry_s=0.0)
    ward = Ward(recorder)
    with caplog.at_level(logging.WARNING, "livewatch.recording"):
        rounds(ward, 4)
        until(lambda: recorder.dropped == 4, "the refusals")
        folder.unlink()
        rounds(ward, 1)
        until(lambda: recorder.written == 1, "the first round on disk")
    assert len(caplog.records) == 1
    assert recorder.problem == ""
    assert recorder.close(20.0)
    (entry,) = Recording(folder).entries()
    assert entry.missing == 4
    assert entry.memory_before == ward.kept.moments[-2].memory


@pytest.mark.parametrize("seed", [1, 2])
def test_a_story_of_which_files_went_and_rounds_are_missing_is_replayed_as_it_was(folder: Path, seed: int) -> None:
    story = Story(seed)
    moments = asyncio.run(story.run(300))
    recorder = Recorder(folder, "gw", RecorderSettings(bytes_max=40_000, files=4, flush_s=0.0, queue_rounds=1))
    for number, moment in enumerate(moments):
        recorder.on_moment(moment)  # the queue is full in every third round: nobody empties it
        if number == 0:
            recorder.start()
        if number % 3:
            until(lambda: recorder.written + recorder.dropped == number + 1, "the round")  # noqa: B023 -- called at once
    assert recorder.close(20.0)
    told = replay(Recording(folder).entries(), Candidate())
    assert told.same
    assert len(list(folder.iterdir())) > 1
    assert told.rounds < 300
    assert told.actions


CHILD = """
import asyncio, sys
from pathlib import Path
from livewatch.recordings.recorder import Recorder, RecorderSettings
from livewatch.configuration.candidate import Candidate
from livewatch.recovery.rounds import Moment
from livewatch.replay.replay import replay
from tests.recordings.moments import Ward

async def main():
    recorder = Recorder(Path(sys.argv[1]), "gw", RecorderSettings(flush_s=0.0))
    recorder.start()
    ward = Ward(recorder)
    while True:
        await ward.rounds(1)
        print(recorder.written, flush=True)

asyncio.run(main())
"""


def test_a_killed_agent_loses_no_more_than_the_tail(folder: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", CHILD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ}) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= 30:
                break
        child.kill()
    recording = Recording(folder)
    assert len(list(recording.entries())) >= 30
    assert recording.notes == []


def test_a_file_that_ends_anywhere_gives_whole_rounds_and_no_complaint(record: Record, folder: Path) -> None:
    recorder = record(flush_s=0.0)
    moments = rounds(Ward(recorder), 10)
    assert recorder.close(20.0)
    (file,) = folder.iterdir()
    whole, said = file.read_bytes(), [Said.of(moment) for moment in moments]
    for length in range(12, len(whole), 97):
        file.write_bytes(whole[:length])
        kept = read(folder)
        assert kept == said[: len(kept)]


def test_a_damaged_file_is_one_line_and_the_other_files_are_read(record: Record, folder: Path) -> None:
    first = record()
    rounds(Ward(first), 5)
    assert first.close(20.0)
    second = record()
    rounds(Ward(second), 5)
    assert second.close(20.0)
    damaged, _good = sorted(folder.iterdir())
    text = zlib.decompress(damaged.read_bytes(), 31).splitlines(keepends=True)
    damaged.write_bytes(b"".join([*text[:3], b'{"w":1,"d":{"~":{"sessions":{"-":["nobody"]}}}}\n', *text[3:]]))
    recording = Recording(folder)
    assert len(list(recording.entries())) == 3 + 5
    (note,) = recording.notes
    assert note.startswith(f"{damaged.name}: damaged at line 4")
    assert "\n" not in note


@pytest.mark.parametrize("content", [b"no recording\n", b"\x1f\x8bbroken", b'{"v":99,"w":1,"target":"gw","d":{}}\n'])
def test_what_is_no_recording_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / f"x{SUFFIX}"
    file.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        list(Recording(file).entries())
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_recordings_of_two_gateways_are_never_mixed(tmp_path: Path) -> None:
    for target in ("a", "b"):
        (tmp_path / f"{target}.20261121T000000Z.0001{SUFFIX}").touch()
    with pytest.raises(RecordingError, match="recordings of a, b"):
        Recording(tmp_path)
