"""The library is complete and says so truthfully."""

import pytest

from tests.simulation.library import CANNOT_BE_SAID, LIBRARY, PAGE, Told, page, told

KINDS = frozenset(
    {
        "clock_jump",
        "clock_reset_by_noise",
        "cold_start",
        "detector_blind_spot",
        "detector_disabled_by_host",
        "detector_overhead",
        "drain_blocked",
        "false_abort_declared_wait",
        "false_abort_long_tool",
        "false_abort_loop_stall",
        "false_abort_slow_model",
        "false_abort_suspend",
        "false_abort_terminal_looking",
        "false_abort_waiting_approval",
        "false_alarm",
        "false_death_verdict",
        "false_restart_busy",
        "false_thaw",
        "ghost_session",
        "heartbeat_lost",
        "host_suspend",
        "hung_compaction",
        "hung_mid_turn",
        "hung_model_call",
        "hung_tool",
        "job_marker_stuck",
        "lane_deadlock",
        "lane_wedged",
        "legitimate_silence",
        "livelock_no_progress",
        "lock_contention_stall",
        "lock_leak",
        "log_spam",
        "loop_saturation",
        "misleading_report",
        "orphan_activity_idle_queued",
        "parent_wait_lost_wake",
        "pid_reuse",
        "post_terminal_wedge",
        "process_wedged",
        "progress_not_counted",
        "provider_wait",
        "queue_stranded",
        "recovery_collateral",
        "recovery_ineffective",
        "recovery_loop",
        "recovery_never_fires",
        "resource_leak",
        "restart_stranded",
        "stale_lock",
        "takeover_race",
        "transport_stall",
        "unanswered_wait",
        "wrong_target",
        "zombie_handle",
        "zombie_process",
    }
)
"""Every failure kind that the reports know."""
FEWEST = 90


def test_there_are_enough_scenarios_and_every_failure_kind_is_told() -> None:
    files = told()

    assert len(files) >= FEWEST
    assert {kind for file in files for kind in file.kinds} == KINDS


def test_a_report_is_either_told_or_listed_with_the_reason_why_not() -> None:
    assert not {report for file in told() for report in file.incidents} & CANNOT_BE_SAID.keys()


@pytest.mark.parametrize("file", told(), ids=lambda file: file.path.relative_to(LIBRARY).as_posix())
def test_a_scenario_says_where_it_comes_from(file: Told) -> None:
    text = file.path.read_text(encoding="utf-8")

    assert file.kinds
    if file.incidents:
        assert 'source = "https://' in text or 'source = ["https://' in text
    else:
        assert "note = " in text
    assert text.count("[[expect]]") >= 2, "one sentence is seldom enough to tell a wrong livewatch from a right one"


def test_the_page_of_reports_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.simulation.library"
