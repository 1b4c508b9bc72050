"""The schema, and files written from it: each can be read back, and says of every key what it means."""

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.configuration.file_text import first_file, in_force, shown
from livewatch.configuration.load import ConfigError, load_settings
from livewatch.configuration.openclaw_keys import read_limits
from livewatch.configuration.page import page
from livewatch.configuration.schema import json_schema, schema
from livewatch.configuration.sections import SECTIONS
from livewatch.configuration.settings import Settings
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Override, Thresholds
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, Mode, WaitKind

EVERYTHING = Settings(
    thresholds=Thresholds(
        warn_after_s=90.5,
        allowances_s={ActivityKind.COMPACTION: 61.25},
        abort_waits=frozenset({WaitKind.DRAIN, WaitKind.APPROVAL}),
        overrides=(
            Override(session='agent:"odd"*', warn_after_s=0.25, abort_after_s=4000),
            Override(activity=ActivityKind.TOOL_CALL, name="video-*", lane=LaneKind.CRON, abort_after_s=7200),
        ),
    ),
    recovery=Policy(mode=Mode.ABORT, restart_command=("systemctl", "restart", "a b"), poison_window_s=12.5),
)


def read_back(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "livewatch.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ={})


def test_every_key_says_what_it_means() -> None:
    assert [key.path for key in schema() if not key.about] == []


def test_no_description_speaks_of_a_field_instead_of_its_key() -> None:
    fields = {item.name for kind in SECTIONS.values() for item in dataclasses.fields(kind) if item.name.endswith("_s")}

    assert [key.path for key in schema() if any(f"`{name}`" in key.about for name in fields)] == []


@pytest.mark.parametrize("origins", [True, False])
def test_settings_shown_as_a_file_are_read_back_as_the_same(tmp_path: Path, *, origins: bool) -> None:
    again = read_back(tmp_path, "\n".join(shown(EVERYTHING, origins=origins)))

    assert again.recovery == EVERYTHING.recovery
    assert dataclasses.replace(again.thresholds, allowances_s={}) == dataclasses.replace(
        EVERYTHING.thresholds, allowances_s={}
    )
    assert again.thresholds.allowances_s[ActivityKind.COMPACTION] == 61.25


@given(warn_s=st.floats(0.001, 1e6), more_s=st.floats(0.001, 1e6), name=st.text(min_size=1))
def test_any_limits_and_names_survive_the_file(warn_s: float, more_s: float, name: str) -> None:
    override = Override(name=name.replace("\x7f", ""), warn_after_s=warn_s, abort_after_s=warn_s + more_s)
    settings = Settings(thresholds=Thresholds(overrides=(override,)))
    document = tomllib.loads("\n".join(shown(settings, origins=False)))

    (again,) = document["thresholds"]["overrides"]
    assert again.get("name", "") == override.name


def test_a_first_file_sets_nothing_and_an_import_only_what_it_brings(tmp_path: Path) -> None:
    assert read_back(tmp_path, first_file()).origins == {}
    settings = read_back(tmp_path, first_file({"thresholds.warn_after": "90s", "thresholds.abort_after": "7m30s"}))

    assert set(settings.origins) == {"thresholds.warn_after", "thresholds.abort_after"}
    assert (settings.thresholds.warn_after_s, settings.thresholds.abort_after_s) == (90.0, 450.0)


def test_a_first_file_has_every_key_once() -> None:
    lines = first_file().splitlines()

    for key in schema():
        assert sum(line.startswith(f"# {key.name} =") for line in lines) == 1, key.path


def test_the_json_schema_knows_every_key_with_its_default() -> None:
    document = json.loads(json.dumps(json_schema()))
    tables = {section: table["properties"] for section, table in document["properties"].items()}
    known = {f"{section}.{key}": shape for section, keys in tables.items() for key, shape in keys.items()}

    assert set(known) == {key.path for key in schema()}
    assert {key: shape["default"] for key, shape in known.items() if "default" in shape} == in_force(Settings())
    assert known["recovery.mode"]["enum"] == [mode.value for mode in Mode]


def test_the_page_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert written == page(), "run: make boards"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "is not JSON5 (line 1)"),
        ("[]", "does not hold an object"),
        ('{"diagnostics": {"stuckSessionWarnMs": "2m"}}', "stuckSessionWarnMs is '2m', not a number of milliseconds"),
        ('{"diagnostics": {"stuckSessionAbortMs": -1}}', "stuckSessionAbortMs is -1"),
        ('{"diagnostics": {"stuckSessionAbortMs": true}}', "stuckSessionAbortMs is True"),
    ],
)
def test_a_file_of_openclaw_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "openclaw.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_limits(path)

    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{}", "{/* none */}", '{"diagnostics": 5}', '{"diagnostics": {"enabled": true}}'])
def test_a_file_of_openclaw_without_limits_brings_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "openclaw.json"
    path.write_text(text, encoding="utf-8")

    assert read_limits(path) == {}
