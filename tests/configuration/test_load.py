"""Where settings come from, and how a wrong one is reported."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from livewatch.configuration.load import ConfigError, configuration_file, load_settings
from livewatch.configuration.sections import SECTIONS, keys
from livewatch_classifiers.vocabulary import ActivityKind, Mode


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "livewatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_key_is_unique_so_that_its_variable_is_unambiguous() -> None:
    counts = Counter(key for section in SECTIONS for key in keys(section))

    assert [key for key, count in counts.items() if count > 1] == []


def test_looking_for_the_file_again_interns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert configuration_file(None, {}) is None
    interned: list[str] = []
    monkeypatch.setattr(sys, "intern", lambda text: interned.append(text) or text)

    assert (configuration_file(None, {}), interned) == (None, [])


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, '[recovery]\nmode = "release"\n[thresholds]\nwarn_after = "1m"\n[agent]\ninterval = "2s"\n'
    )
    settings = load_settings(
        path,
        environ={"LIVEWATCH_MODE": "abort", "LIVEWATCH_WARN_AFTER": "40s"},
        flags={"mode": "restart", "name": None},
    )

    assert (settings.recovery.mode, settings.thresholds.warn_after_s, settings.agent.interval_s) == (
        Mode.RESTART,
        40.0,
        2.0,
    )
    assert settings.origins["recovery.mode"] == "flag"
    assert settings.origins["thresholds.warn_after"] == "LIVEWATCH_WARN_AFTER"
    assert settings.origins["agent.interval"] == f"{path}:6"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[thresholds]\n\nwarn_aftr = "1m"', ":3: unknown key thresholds.warn_aftr; did you mean 'warn_after'?"),
        ("\n[thresholdz]\n", ":2: unknown section [thresholdz]; did you mean 'thresholds'?"),
        ("[thresholds] # mine\nwarn_after = 30", ":2: thresholds.warn_after: '30' has no unit; write 30s or 30ms"),
        ('[recovery]\nmode = "abrt"', ":2: recovery.mode: 'abrt' is not one of observe, release, abort, restart; did"),
        ("recovery = 5", "[recovery] must be a table"),
        ("[recovery]\nbudget_actions = 2.5", ":2: recovery.budget_actions: 2.5 is not a whole number"),
        ("[recovery]\nbudget_actions = true", ":2: recovery.budget_actions: True is not a whole number"),
        ('[recovery]\ndry_run = "perhaps"', ":2: recovery.dry_run: 'perhaps' is neither true nor false"),
        ("[recovery]\nbackoff_jitter = nan", "backoff_jitter"),
        ("[recovery]\nbackoff_jitter = 1.5", "backoff_jitter must be at most 1"),
        ('[agent]\ninterval = "0s"', "interval must be a positive duration"),
        ('[thresholds]\nwarn_after = "5m"\nabort_after = "5m"', "warn_after (300 s) must be below abort_after (300 s)"),
        ("[thresholds.allowances]\ncompaction = 30", "'30' has no unit"),
        ("[thresholds]\nallowances = 5", ":2: thresholds.allowances: must be a table"),
        ("[thresholds]\nabort_waits = 5", ":2: thresholds.abort_waits: must be a list, not 5"),
        ('[thresholds]\nabort_waits = ["aproval"]', "did you mean 'approval'?"),
        ("[thresholds]\noverrides = [5]", "must be a table, not 5"),
        (
            '[[thresholds.overrides]]\nsesion = "a*"',
            ":1: thresholds.overrides: unknown key sesion; did you mean 'session'?",
        ),
        ("[[thresholds.overrides]]\nwarn_after = 30", "'30' has no unit"),
        ("warn_after =", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_reported_in_one_line_that_says_where_and_what(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ={})

    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_names_the_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read .*--config"):
        load_settings(tmp_path / "none.toml", environ={})


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"not valid TOML"):
        load_settings(path, environ={})


def test_a_wrong_variable_and_a_wrong_flag_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    with pytest.raises(ConfigError, match=r"^LIVEWATCH_WARN_AFTER: '9' has no unit"):
        load_settings(path, environ={"LIVEWATCH_WARN_AFTER": "9"})
    with pytest.raises(ConfigError, match=r"^--warn-after: '9' has no unit"):
        load_settings(path, environ={}, flags={"warn_after": "9"})


def test_an_unknown_variable_is_a_warning_with_the_nearest_name(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""), environ={"LIVEWATCH_WARN_AFTR": "9s"})

    assert settings.warnings == (
        "LIVEWATCH_WARN_AFTR is not a setting of livewatch; did you mean 'LIVEWATCH_WARN_AFTER'?",
    )


@pytest.mark.invariant(13)
def test_overrides_and_allowances_reach_the_thresholds_and_keep_other_defaults(tmp_path: Path) -> None:
    text = (
        '[thresholds.allowances]\ncompaction = "9m"\n[[thresholds.overrides]]\nsession = "cron:*"\nwarn_after = "10m"\n'
    )
    thresholds = load_settings(written(tmp_path, text), environ={}).thresholds

    assert thresholds.allowances_s[ActivityKind.COMPACTION] == 540.0
    assert thresholds.allowances_s[ActivityKind.DELIVERY] == 30.0
    assert (thresholds.overrides[0].session, thresholds.overrides[0].warn_after_s) == ("cron:*", 600.0)


def test_telemetry_takes_a_prefix_a_way_to_name_sessions_and_openclaws_names(tmp_path: Path) -> None:
    file = tmp_path / "livewatch.toml"
    file.write_text('[telemetry]\nmetric_prefix = "acme."\nsession_ids = "none"\ncompat_openclaw = "otlp"\n')
    told = load_settings(file, environ={}).telemetry
    assert (told.metric_prefix, told.session_ids, told.compat_openclaw) == ("acme.", "none", "otlp")
    with pytest.raises(ConfigError, match="metric_prefix"):
        load_settings(file, environ={"LIVEWATCH_METRIC_PREFIX": "9 lives"})


@pytest.mark.parametrize("text", ['compat.openclaw = "otlp"', 'compat_openclaw = "otlp"'])
def test_a_dotted_key_is_the_same_as_one_with_an_underscore(tmp_path: Path, text: str) -> None:
    path = tmp_path / "livewatch.toml"
    path.write_text(f"[telemetry]\n{text}\n", encoding="utf-8")

    assert load_settings(path, environ={}).telemetry.compat_openclaw.value == "otlp"


def test_a_dotted_key_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "livewatch.toml"
    path.write_text('[telemetry]\ncompat.openclwa = "otlp"\n', encoding="utf-8")

    with pytest.raises(ConfigError, match=r"unknown key telemetry\.compat"):
        load_settings(path, environ={})


def test_a_number_that_may_be_missing_is_a_number() -> None:
    assert load_settings(None, environ={"LIVEWATCH_PORT": "12"}, flags={"pid": 5}).target.port == 12
    with pytest.raises(ConfigError, match="LIVEWATCH_PID"):
        load_settings(None, environ={"LIVEWATCH_PID": "five"})


def test_what_a_file_sets_without_effect_is_known(tmp_path: Path) -> None:
    path = written(tmp_path, '[recovery]\nmode = "abort"\n[thresholds]\nwarn_after = "1m"\n')
    settings = load_settings(path, environ={"LIVEWATCH_WARN_AFTER": "40s"}, flags={"mode": "observe"})

    assert settings.overridden == (
        f"recovery.mode of {path}:2: a flag was given at the start",
        f"thresholds.warn_after of {path}:4: a variable, LIVEWATCH_WARN_AFTER, is set",
    )
