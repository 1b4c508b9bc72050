"""All checks together: in order, none ends or holds the others, and what the command makes of them."""

import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewatch.cli.doctor import command
from livewatch.configuration.settings import SourceKind
from livewatch.doctor.case import Case
from livewatch.doctor.checks import CHECKS, Check, examine
from livewatch.doctor.finding import Finding, Health, ok
from tests.doctor.conftest import MakeBoard, MakeCase


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "LIVEWATCH_CONFIG", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(folder))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_a_check_that_breaks_or_hangs_is_told_and_the_others_go_on(make_case: MakeCase) -> None:
    never = threading.Event()

    def broken(_case: Case) -> Finding:
        raise RuntimeError("bug")

    def hanging(_case: Case) -> Finding:
        never.wait()
        return ok("at last")

    checks = [Check("g", name, look) for name, look in (("a", broken), ("b", hanging), ("c", lambda _: ok("fine")))]
    found = [finding for _, finding in examine(make_case(), checks, patience_s=0.2)]
    never.set()
    assert [f.health for f in found] == [Health.FAILURE, Health.FAILURE, Health.OK]
    assert ("RuntimeError('bug')" in found[0].text, "no answer within" in found[1].text) == (True, True)


def test_whatever_is_not_well_says_how_to_mend_it(make_case: MakeCase, folder: Path) -> None:
    for _, finding in examine(make_case(target={"board": folder / "none", "socket": folder / "none"})):
        assert bool(finding.fix) is (finding.health in (Health.WARNING, Health.FAILURE)), finding


def test_no_two_checks_of_a_group_have_one_name() -> None:
    names = [(check.group, check.name) for check in CHECKS]
    assert len(set(names)) == len(names)


def test_a_failure_is_exit_code_1_and_the_document_has_every_check(folder: Path) -> None:
    result = run("--board", folder / "none", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document["schema_version"], document["ok"]) == (1, False)
    assert [(row["group"], row["check"]) for row in document["checks"]] == [
        (c.group, c.name) for c in CHECKS if SourceKind.BOARD in c.sources
    ]
    assert sum(document["counts"].values()) == len(document["checks"])


def test_what_does_not_apply_to_the_source_is_left_out_and_counted(folder: Path) -> None:
    """Seventeen skipped lines about boards stood in the page of an OpenClaw gateway."""
    result = run("--source", "openclaw", "--url", "ws://127.0.0.1:9", "--name", "nobody", "--state-dir", folder)

    assert "board" not in result.stdout
    assert "control socket" not in result.stdout
    assert result.stdout.splitlines()[-1].endswith("checks do not apply to source openclaw")


def test_no_name_is_wider_than_its_column() -> None:
    assert max(len(check.name) for check in CHECKS) <= 16


def test_warnings_alone_are_exit_code_0(make_board: MakeBoard) -> None:
    board = make_board(drops_lane_busy=1, loop_heartbeat_ns=1, thread_heartbeat_ns=1)
    result = run("--board", board.path)
    assert result.exit_code == 0, result.stdout
    assert "fix: " in result.stdout
    assert " 0 failure" in result.stdout


def test_a_file_that_cannot_be_used_is_a_finding_and_a_flag_is_a_usage_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = folder / "a.toml"
    config.write_text("[thresholds]\nwarn_aftr = 1\n", encoding="utf-8")
    monkeypatch.setenv("LIVEWATCH_WARN_AFTR", "1s")
    broken = run("--config", config)
    assert broken.exit_code == 1
    assert "did you mean 'warn_after'" in broken.stdout
    assert "LIVEWATCH_WARN_AFTR" in broken.stdout
    assert run("--source", "nowhere").exit_code == 2


def test_looking_changes_nothing(make_board: MakeBoard, folder: Path) -> None:
    board = make_board()

    def seen() -> list[tuple[str, float]]:
        return sorted((str(path), path.lstat().st_mtime) for path in (folder, *folder.rglob("*")))

    before = seen()
    run("--board", board.path, "--socket", folder / "none", "--metrics-listen", "127.0.0.1:0")
    assert seen() == before
