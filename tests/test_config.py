"""Settings: where they come from, and what is said about those that cannot be used."""

from collections import Counter
from pathlib import Path

import pytest

from livewatch.config import SECTIONS, ConfigError, keys, load_settings
from livewatch_classifiers.vocabulary import ActivityKind, Mode, WaitKind


def load(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object):  # type: ignore[no-untyped-def]  # noqa: ANN201
    path = tmp_path / "livewatch.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ=environ or {}, flags=flags)


def problem(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ, **flags)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    text = '[thresholds]\nwarn_after = "10s"\nabort_after = "40s"\n[recovery]\nmode = "release"\n'
    settings = load(tmp_path, text, {"LIVEWATCH_WARN_AFTER": "20s", "LIVEWATCH_ABORT_AFTER": "50s"}, warn_after="30s")

    assert (settings.thresholds.warn_after_s, settings.thresholds.abort_after_s) == (30.0, 50.0)
    assert settings.recovery.mode is Mode.RELEASE
    assert settings.agent.interval_s == 1.0
    assert settings.origins["thresholds.warn_after"] == "flag"
    assert settings.origins["thresholds.abort_after"] == "LIVEWATCH_ABORT_AFTER"
    assert settings.origins["recovery.mode"].endswith("livewatch.toml:5")


def test_tables_and_overrides_are_read(tmp_path: Path) -> None:
    text = """
[thresholds]
abort_waits = ["lane_admission"]
[thresholds.allowances]
compaction = "9m"
[[thresholds.overrides]]
name = "bash*"
warn_after = "1m"
abort_after = "1h"
"""
    thresholds = load(tmp_path, text).thresholds

    assert thresholds.allowances_s[ActivityKind.COMPACTION] == 540.0
    assert thresholds.allowances_s[ActivityKind.DELIVERY] == 30.0
    assert thresholds.abort_waits == {WaitKind.LANE_ADMISSION}
    assert (thresholds.overrides[0].name, thresholds.overrides[0].abort_after_s) == ("bash*", 3600.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[thresholds]\n\nwarn_aftr = "1s"\n', ["livewatch.toml:3", "thresholds.warn_aftr", "'warn_after'"]),
        ("[treshold]\n", ["livewatch.toml:1", "[treshold]", "'thresholds'"]),
        ("[thresholds]\nwarn_after = 30\n", ["livewatch.toml:2", "30s"]),
        ('[thresholds]\nwarn_after = "soon"\n', ["livewatch.toml:2", "30s"]),
        (
            '[thresholds]\nwarn_after = "9m"\nabort_after = "9m"\n',
            ["warn_after", "below abort_after", "livewatch.toml:2"],
        ),
        ('[recovery]\nmode = "abrt"\n', ["livewatch.toml:2", "'abort'"]),
        ('[recovery]\nbudget_actions = "many"\n', ["livewatch.toml:2", "not a number"]),
        ("[recovery]\nbudget_actions = -1\n", ["budget_actions", "negative"]),
        ("[thresholds.allowances]\ncompactoin = '1m'\n", ["'compaction'"]),
        ("[[thresholds.overrides]]\ntool = 'x'\n", ["unknown key tool"]),
        ("thresholds = 3\n", ["must be a table"]),
        ("[thresholds\n", ["livewatch.toml", "not valid TOML"]),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_that_says_where_and_what_instead(
    tmp_path: Path, text: str, said: list[str]
) -> None:
    told = problem(tmp_path, text)

    assert [words for words in said if words not in told] == []


def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path, environ={"LIVEWATCH_WARN_AFTER": "30"}).startswith("LIVEWATCH_WARN_AFTER: ")


def test_a_flag_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path, warn_after="30").startswith("--warn-after: ")


def test_a_variable_that_is_no_setting_is_only_a_warning(tmp_path: Path) -> None:
    settings = load(tmp_path, environ={"LIVEWATCH_WARN_AFTR": "3s", "LIVEWATCH_CONFIG": "x", "PATH": "y"})

    assert len(settings.warnings) == 1
    assert "'LIVEWATCH_WARN_AFTER'" in settings.warnings[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "none.toml", environ={})


def test_each_key_is_unique_so_that_its_variable_and_flag_are_unambiguous() -> None:
    count = Counter(key for section in SECTIONS for key in keys(section))

    assert [key for key, times in count.items() if times > 1] == []
