"""Recorded worlds under other settings: what would have been done, beside what was, and what the world says of it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import replay as command
from livewatch.configuration.candidate import Candidate, read_candidate
from livewatch.recording import Frame, encode_frame
from livewatch.recordings.files import Recording
from livewatch.recovery.settings import Policy
from livewatch.replay.labels import Stretch, Stretches
from livewatch.replay.replay import Replayed, replay
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.schema import load_scenario
from livewatch.simulation.trace import TraceWriter
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActivityKind, Mode

LIBRARY = Path(__file__).parents[1] / "scenarios"


@pytest.fixture
def trace(tmp_path: Path) -> Any:
    def of(name: str) -> Path:
        file = io.BytesIO()
        run_scenario(load_scenario(LIBRARY / f"{name}.toml"), witnesses=(TraceWriter(file),))
        path = tmp_path / "trace.jsonl"
        path.write_bytes(file.getvalue())
        return path

    return of


def candidate(tmp_path: Path, text: str) -> Candidate:
    path = tmp_path / "candidate.toml"
    path.write_text(text, encoding="utf-8")
    return read_candidate(path)


def under(path: Path, other: Candidate | None = None) -> Replayed:
    return replay(Recording(path).entries(), other or Candidate())


@pytest.mark.parametrize(
    "name",
    ["zombie_handle_after_timeout", "pairs/model_call_silent_380s_dead", "host/process_stopped_for_ten_minutes",
     "lanes/queued_on_an_idle_session", "sessions/abort_says_done_and_releases_nothing"],
)  # fmt: skip
def test_the_recorded_settings_lead_to_what_was_recorded(trace: Any, name: str) -> None:
    told = under(trace(name))
    assert told.same
    assert told.rounds > 10


def test_a_longer_grace_would_have_acted_later_by_just_that_much(trace: Any, tmp_path: Path) -> None:
    path = trace("zombie_handle_after_timeout")
    told = under(path, candidate(tmp_path, '[thresholds]\nzombie_grace = "20s"\n'))
    (row,) = told.actions
    assert row.both
    assert row.earlier_s == 10.0
    assert not row.false
    assert not told.same


def test_an_abort_of_a_call_that_came_back_by_itself_is_called_wrong(trace: Any, tmp_path: Path) -> None:
    path = trace("healthy/reasoning_behind_swallowed_pings")
    assert [row for row in under(path).actions if row.replayed_s is not None] == []
    told = under(path, candidate(tmp_path, '[thresholds]\nwarn_after = "30s"\nabort_after = "2m"\n'))
    assert [row.recorded_s for row in told.actions] == [None]
    assert told.actions[0].false
    assert "by itself" in told.actions[0].note


def test_what_the_candidate_would_not_have_done_says_why(trace: Any, tmp_path: Path) -> None:
    path = trace("pairs/model_call_silent_380s_dead")
    done = [row for row in under(path).actions if row.recorded_s is not None]
    assert done
    watching = under(path, candidate(tmp_path, '[recovery]\nmode = "observe"\n'))
    assert [row.replayed_s for row in watching.actions] == [None] * len(watching.actions)
    assert watching.actions[0].note.startswith("blocked by mode")
    patient = under(path, candidate(tmp_path, '[thresholds]\nabort_after = "3h"\n'))
    assert "due in" in patient.actions[0].note


def test_a_stretch_lasts_as_long_as_both_sides_say_the_same_two_words() -> None:
    words = Stretches()
    words.add(1.0, {"a": "x", "b": "x"}, {"a": "x", "b": "y"})
    words.add(2.0, {"a": "x", "b": "x"}, {"b": "y"})
    words.add(3.0, {"a": "x", "b": "x"}, {"b": "z"})
    words.add(4.0, {"a": "x"}, {"a": "x"})
    assert words.finish(9.0) == [
        Stretch("b", 1.0, 3.0, "x", "y"),
        Stretch("a", 2.0, 4.0, "x", "-"),
        Stretch("b", 3.0, 4.0, "x", "z"),
    ]


def test_a_candidate_lies_over_what_was_in_force(tmp_path: Path) -> None:
    given = candidate(
        tmp_path,
        '[thresholds]\nwarn_after = "3m"\nallowances = { compaction = "9m" }\n[recovery]\nmode = "release"\n'
        '[agent]\ninterval = "5s"\n',
    )
    thresholds, policy = given.over(Thresholds(ghost_after_s=7.0), Policy(verify_s=8.0))
    assert (thresholds.warn_after_s, thresholds.abort_after_s, thresholds.ghost_after_s) == (180.0, 540.0, 7.0)
    assert thresholds.allowances_s[ActivityKind.COMPACTION] == 540.0
    assert thresholds.allowances_s[ActivityKind.DELIVERY] == 30.0
    assert (policy.mode, policy.verify_s) == (Mode.RELEASE, 8.0)
    explicit, _ = given.over(Thresholds(abort_after_s=1000.0), Policy())
    assert explicit.abort_after_s == 1000.0


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(command.command, [str(a) for a in arguments])


def test_both_sides_are_shown_as_a_table_and_as_a_document(trace: Any, tmp_path: Path) -> None:
    path = trace("zombie_handle_after_timeout")
    candidate(tmp_path, '[thresholds]\nzombie_grace = "20s"\n')
    other = tmp_path / "candidate.toml"
    assert "nothing differs" in invoke(path).output
    shown = invoke(path, "--policy", other)
    assert shown.exit_code == 0
    assert "thresholds.zombie_grace  30s       20s" in shown.output
    assert "10s earlier; recovered" in shown.output
    document = json.loads(invoke(path, "--policy", other, "--json").output)
    assert (document["schema_version"], document["ok"], document["same"]) == (1, True, False)
    assert document["actions"][0]["earlier_s"] == 10.0
    assert document["settings"] == [{"key": "thresholds.zombie_grace", "recorded": 30.0, "replayed": 20.0}]


def test_a_recording_that_was_tampered_with_is_a_problem_found(trace: Any) -> None:
    path = trace("zombie_handle_after_timeout")
    path.write_bytes(path.read_bytes().replace(b'"zombie_grace_s":30.0', b'"zombie_grace_s":31.0'))
    ended = invoke(path)
    assert ended.exit_code == 1
    assert "nothing differs" not in ended.output


def test_looks_without_anything_else_are_labelled_and_said_to_be_approximate(trace: Any, tmp_path: Path) -> None:
    looks = tmp_path / "looks.jsonl"
    entries = list(Recording(trace("zombie_handle_after_timeout")).entries())
    frames = [Frame(e.round.wall_s, "gw", e.round.snapshot) for e in entries if e.round.snapshot is not None]
    looks.write_bytes(b"".join(encode_frame(frame) + b"\n" for frame in frames))
    told = under(looks, candidate(tmp_path, '[recovery]\nmode = "abort"\n'))
    assert told.sparse
    assert [row.action.kind.value for row in told.actions] == ["force_clear"]
    assert invoke(looks).exit_code == 0


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("[thresholds]\nwarn_aftr = '5s'", "did you mean 'warn_after'"),
        ("[agent]\ninterval = '5s'", "sets nothing in [thresholds] or [recovery]"),
        ("[thresholds]\nabort_after = '5s'", "warn_after (120 s) must be below abort_after (5 s)"),
    ],
)
def test_a_candidate_that_cannot_be_used_is_one_line_and_2(trace: Any, tmp_path: Path, policy: str, said: str) -> None:
    path = trace("zombie_handle_after_timeout")
    file = tmp_path / "wrong.toml"
    file.write_text(policy, encoding="utf-8")
    ended = invoke(path, "--policy", file)
    assert ended.exit_code == 2
    assert said in ended.output
    assert len(ended.output.splitlines()) == 1


def test_nothing_to_read_is_one_line_and_2(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        ended = invoke(path)
        assert ended.exit_code == 2
        assert "--record" in ended.output
