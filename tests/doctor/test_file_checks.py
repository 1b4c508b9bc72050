"""Permissions and owners, on real files, sockets and folders."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from livewatch.doctor import file_checks
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, Health
from tests.doctor.conftest import MakeBoard, MakeCase

Look = Callable[[Case], Finding]


def listening(path: Path, mode: int = 0o600) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    path.chmod(mode)
    return server


def test_a_private_board_is_well_and_an_open_one_has_its_fix(
    make_case: MakeCase, make_board: MakeBoard, folder: Path
) -> None:
    make_board()
    case = make_case(target={"board": folder / "board"})
    assert file_checks.board_file(case).health is Health.OK
    (folder / "board").chmod(0o644)
    found = file_checks.board_file(case)
    assert (found.health, "0644" in found.text) == (Health.WARNING, True)
    assert f"chmod 600 {folder / 'board'}" in found.fix


@pytest.mark.parametrize("what", ["symlink", "folder", "missing"])
def test_what_is_no_private_file_is_refused(
    make_case: MakeCase, make_board: MakeBoard, folder: Path, what: str
) -> None:
    make_board()
    other = folder / "other"
    if what == "symlink":
        other.symlink_to(folder / "board")
    elif what == "folder":
        other.mkdir()
    found = file_checks.board_file(make_case(target={"board": other}))
    words = {"symlink": "symbolic link", "folder": "is not a file", "missing": "is not there"}
    assert (found.health, words[what] in found.text, bool(found.fix)) == (Health.FAILURE, True, True)


def test_a_board_of_somebody_else_is_refused(
    make_case: MakeCase, make_board: MakeBoard, folder: Path, stranger: int
) -> None:
    assert stranger
    make_board()
    found = file_checks.board_file(make_case(target={"board": folder / "board"}))
    assert (found.health, "belongs to" in found.text) == (Health.FAILURE, True)


@pytest.mark.parametrize(
    ("mode", "health"), [(0o700, Health.OK), (0o755, Health.OK), (0o777, Health.FAILURE), (0o1777, Health.WARNING)]
)
def test_a_folder_where_others_could_replace_the_board_or_socket_is_told(
    make_case: MakeCase, folder: Path, mode: int, health: Health
) -> None:
    folder.chmod(mode)
    case = make_case(target={"board": folder / "board", "socket": folder / "control"})
    looks: tuple[Look, ...] = (file_checks.board_folder, file_checks.control_folder, file_checks.agent_folder)
    assert [look(case).health for look in looks] == [health] * 3


def test_sockets_are_private_sockets_and_nothing_else(make_case: MakeCase, folder: Path) -> None:
    case = make_case(target={"socket": folder / "control"})
    assert file_checks.agent_socket(case).health is Health.SKIPPED
    assert file_checks.control_socket(case).health is Health.FAILURE
    with listening(folder / "control"), listening(folder / "agent", 0o666):
        assert file_checks.control_socket(case).health is Health.OK
        assert file_checks.agent_socket(case).health is Health.WARNING
    (folder / "agent").unlink()
    (folder / "agent").symlink_to(folder / "control")
    assert file_checks.agent_socket(case).health is Health.FAILURE
    (folder / "control").unlink()
    (folder / "control").touch(0o600)
    assert "is not a socket" in file_checks.control_socket(case).text


def test_an_agents_socket_that_is_open_to_those_who_are_listed_is_well(make_case: MakeCase, folder: Path) -> None:
    with listening(folder / "agent", 0o666):
        listed = file_checks.agent_socket(make_case(about={"readers": ["@adm"], "operators": ["bob"]}))
        nobody = file_checks.agent_socket(make_case(about={"readers": [], "operators": []}))
    assert (listed.health, "open to bob, @adm; everybody else" in listed.text) == (Health.OK, True)
    assert nobody.health is Health.WARNING


def test_a_path_that_no_socket_can_have_is_told_with_its_length(make_case: MakeCase, folder: Path) -> None:
    long = folder / ("x" * 120)
    found = file_checks.control_socket(make_case(target={"socket": long}))
    assert (found.health, f"{len(os.fsencode(long))} bytes" in found.text) == (Health.FAILURE, True)


@pytest.mark.parametrize(("mode", "health"), [(0o700, Health.OK), (0o750, Health.WARNING), (0o777, Health.FAILURE)])
def test_the_journals_folder_is_private(make_case: MakeCase, folder: Path, mode: int, health: Health) -> None:
    case = make_case()
    assert file_checks.state_folder(case).health is Health.SKIPPED
    (folder / "state").mkdir()
    (folder / "state").chmod(mode)
    assert file_checks.state_folder(case).health is health


def test_a_journals_folder_of_somebody_else_or_that_is_a_file_is_refused(
    make_case: MakeCase, folder: Path, stranger: int
) -> None:
    case = make_case()
    (folder / "state").mkdir(0o700)
    assert (stranger, file_checks.state_folder(case).health) == (4711, Health.FAILURE)
    (folder / "state").rmdir()
    (folder / "state").touch()
    assert "is not a folder" in file_checks.state_folder(case).text


def test_a_folder_that_cannot_be_made_is_told_before_the_agent_fails(
    make_case: MakeCase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case()
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may write everywhere
    found = file_checks.state_folder(case)
    assert (found.health, f"in {folder}" in found.text) == (Health.FAILURE, True)


def test_a_configuration_that_others_may_write_is_refused(make_case: MakeCase, folder: Path) -> None:
    path = folder / "livewatch.toml"
    assert file_checks.configuration_file(make_case()).health is Health.SKIPPED
    assert file_checks.configuration_file(make_case(config_path=path)).health is Health.FAILURE
    path.touch()
    path.chmod(0o644)
    assert file_checks.configuration_file(make_case(config_path=path)).health is Health.OK
    path.chmod(0o666)
    found = file_checks.configuration_file(make_case(config_path=path))
    assert (found.health, found.fix) == (Health.FAILURE, f"chmod go-w {path}")


def test_without_paths_there_is_nothing_to_look_at(make_case: MakeCase) -> None:
    looks: tuple[Look, ...] = (
        file_checks.board_file,
        file_checks.board_folder,
        file_checks.control_socket,
        file_checks.control_folder,
    )
    assert {look(make_case()).health for look in looks} == {Health.SKIPPED}
