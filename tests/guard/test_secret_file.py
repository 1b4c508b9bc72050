"""Secrets are read from private files only, and never said."""

import os
from pathlib import Path

import pytest

from livewatch.guard.secret_file import SecretError, read_secret, too_open

SECRET = "s3cret-t0ken"


def written(path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refusal(path: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SecretError) as caught:
        read_secret(path, environ or {})
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"
    return str(caught.value)


def test_a_private_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = written(tmp_path / "token", f"{SECRET}\n")
    first = read_secret(path, {})
    written(path, "another")

    assert (first, read_secret(path, {})) == (SECRET, "another")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_file_that_anybody_else_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    assert "chmod 600" in refusal(written(tmp_path / "token", mode=mode))


def test_the_mode_of_a_systemd_credential_is_systemds_affair(tmp_path: Path) -> None:
    path = written(tmp_path / "credentials" / "token", mode=0o440)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}

    assert read_secret(path, environ) == SECRET
    assert "chmod 600" in refusal(written(tmp_path / "token", mode=0o440), environ)
    assert "chmod 600" in refusal(written(tmp_path / "credentials" / "deeper" / "token", mode=0o440), environ)
    assert "chmod 600" in refusal(path, {"CREDENTIALS_DIRECTORY": ""})
    (tmp_path / "credentials" / "link").symlink_to(tmp_path / "token")
    assert "chmod 600" in refusal(tmp_path / "credentials" / "link", environ)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "token")
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
    else:
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)

    assert "belongs to" in refusal(path)


def test_what_is_no_file_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)

    assert "not a regular file" in refusal(tmp_path / "fifo")
    assert "not a regular file" in refusal(tmp_path / "folder")
    assert "cannot be read" in refusal(tmp_path / "none")


@pytest.mark.parametrize("text", ["", "\n", f"{SECRET} {SECRET}", f"{SECRET}\n{SECRET}", SECRET * 2000])
def test_what_is_not_one_word_is_refused(tmp_path: Path, text: str) -> None:
    assert "does not hold one token" in refusal(written(tmp_path / "token", text))


def test_bytes_that_are_no_text_are_refused_without_being_told(tmp_path: Path) -> None:
    path = written(tmp_path / "token")
    path.write_bytes(SECRET.encode() + b"\xff")

    assert "does not hold one token" in refusal(path)


@pytest.mark.parametrize(
    ("mode", "owned", "refused"),
    [
        (0o600, True, False),
        (0o400, True, False),
        (0o640, True, True),
        (0o644, True, True),
        (0o440, False, False),
        (0o400, False, False),
        (0o460, False, True),
        (0o444, False, True),
    ],
)
def test_a_secret_that_root_lends_by_a_group_is_taken_and_one_of_our_own_is_not(
    mode: int,
    owned: bool,  # noqa: FBT001 -- a parameter of the test
    refused: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    assert too_open(mode, owned=owned) is refused
