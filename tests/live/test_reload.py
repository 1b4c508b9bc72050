"""SIGHUP: what is on disk is taken up while everything runs, and what cannot be used changes nothing."""

import contextlib
import signal

import pytest

from livewatch.local_api.client import ask
from livewatch.recovery.journal.audit import read_audit
from livewatch.recovery.journal.reader import JournalUnreadableError
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]


def warn_after_s(place: Place) -> float:
    return float(ask(place.agent, "GET", "/v1/status")["thresholds"]["warn_after_s"])


def told(place: Place) -> list[str]:
    with contextlib.suppress(JournalUnreadableError):  # it is only just being made
        return [entry.why for entry in read_audit(place.folder / "gateway.journal.sqlite").entries]
    return []


def test_limits_change_on_sighup_and_a_wrong_file_changes_nothing(place: Place, start: Start) -> None:
    config = place.folder / "livewatch.toml"
    config.write_text('[thresholds]\nwarn_after = "90s"\n', encoding="utf-8")
    gateway(place, start)
    watcher = agent(place, start, "--config", config)
    place.until_state("responsive")
    before_s = warn_after_s(place)

    config.write_text('[thresholds]\nwarn_after = "100s"\n', encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    until(lambda: warn_after_s(place) == 100.0, "the new limit")
    config.write_text('[thresholds]\nwarn_after = "a while"\n', encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    config.write_text('[thresholds]\nwarn_after = "110s"\n', encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    until(lambda: warn_after_s(place) == 110.0, "an agent that lived on")

    assert before_s == 90.0
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0


def test_what_a_reload_changed_is_in_the_audit(place: Place, start: Start) -> None:
    config = place.folder / "livewatch.toml"
    config.write_text('[thresholds]\nwarn_after = "90s"\n', encoding="utf-8")
    gateway(place, start)
    watcher = agent(place, start, "--config", config)
    until(lambda: told(place) == ["start with mode abort, warn_after 1m30s, abort_after 5m00s"], "how it began")
    config.write_text('[thresholds]\nwarn_after = "100s"\nabort_after = "5m"\n', encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    until(lambda: told(place)[1:] == ["configure warn_after 1m30s -> 1m40s"], "the change")


def test_the_shadow_is_read_again_on_sighup_and_a_wrong_file_leaves_the_old_one(place: Place, start: Start) -> None:
    candidate = place.folder / "candidate.toml"
    candidate.write_text('[thresholds]\nwarn_after = "90s"\n', encoding="utf-8")
    gateway(place, start)
    watcher = agent(place, start, "--shadow", candidate)
    place.until_state("responsive")

    def asked() -> tuple[bool, list[str]]:
        shadow = place.status()["shadow"]
        return shadow["on"], shadow["keys"]

    before = asked()
    candidate.write_text('[thresholds]\nwarn_aftr = "90s"\n', encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    candidate.write_text('[recovery]\nmode = "release"\n', encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    until(lambda: asked() == (True, ["recovery.mode"]), "the new candidate")

    assert before == (True, ["thresholds.warn_after"])
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0


def test_a_changed_file_is_taken_up_unasked_and_a_missing_one_changes_nothing(
    place: Place, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    log: list[str] = []

    def said(words: str) -> bool:
        log.append(capfd.readouterr().err)
        return words in "".join(log)

    config = place.folder / "livewatch.toml"
    config.write_text('[thresholds]\nwarn_after = "90s"\n', encoding="utf-8")
    gateway(place, start)
    watcher = agent(place, start, "--config", config)
    place.until_state("responsive")
    new = config.with_suffix(".new")
    new.write_text('[thresholds]\nwarn_after = "100s"\n[agent]\nrecord_mib = 5\n', encoding="utf-8")
    new.rename(config)
    until(lambda: warn_after_s(place) == 100.0, "the new limit")
    config.unlink()
    until(lambda: said("cannot be read"), "that it is gone")

    assert warn_after_s(place) == 100.0
    assert "agent.record_mib" in "".join(log)
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0


def test_refused_settings_stand_in_status_until_they_are_mended(place: Place, start: Start) -> None:
    config = place.folder / "livewatch.toml"
    config.write_text("", encoding="utf-8")
    gateway(place, start)
    watcher = agent(place, start, "--config", config)
    place.until_state("responsive")
    config.write_text("[thresholds]\nwarn_aftr = 1\n", encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    until(lambda: "did you mean 'warn_after'" in place.status()["refused_settings"], "that they are refused")
    config.write_text("[thresholds]\n", encoding="utf-8")
    watcher.send_signal(signal.SIGHUP)
    until(lambda: place.status()["refused_settings"] == "", "that they are in force")
