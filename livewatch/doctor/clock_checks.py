"""The machine's clocks: ages are monotonic, suspends show as boot time, and the wall clock dates the journal."""

from datetime import UTC, datetime

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, warning
from livewatch.durations import format_duration
from livewatch.recovery.journal.feed import newest_wall_s
from livewatch.recovery.journal.reader import JournalUnreadableError

_EARLIEST_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_LATEST_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_BEHIND_S = 60.0
_SLACK_S = 0.5


def boot_time(case: Case) -> Finding:
    """Compare boot time with monotonic time; their difference is the time that the host slept."""
    asleep_s = case.clock.boottime_s() - case.clock.monotonic_s()
    if asleep_s < -_SLACK_S:
        return failure(
            f"CLOCK_BOOTTIME is {format_duration(-asleep_s)} behind CLOCK_MONOTONIC",
            "a broken kernel clock or time namespace: suspends cannot be told; move livewatch out of it",
        )
    slept = f"the host slept {format_duration(asleep_s)} since boot" if asleep_s > _SLACK_S else "no suspend since boot"
    return ok(f"CLOCK_BOOTTIME and CLOCK_MONOTONIC agree; {slept}")


def wall_clock(case: Case) -> Finding:
    """Look whether the wall clock can be the time, and is not behind what the journal holds already."""
    now_s = case.clock.wall_s()
    if not _EARLIEST_S <= now_s <= _LATEST_S:
        year = datetime.fromtimestamp(now_s, UTC).year
        return failure(
            f"the wall clock says {year}", "set it (timedatectl set-ntp true); ages stay right, dates do not"
        )
    try:
        newest_s = newest_wall_s(case.journal)
    except JournalUnreadableError:
        newest_s = None
    if newest_s is not None and newest_s - now_s > _BEHIND_S:
        return warning(
            f"the journal's newest entry lies {format_duration(newest_s - now_s)} in the future: the clock went back",
            "let NTP keep the clock; incidents around the jump are dated wrongly",
        )
    return ok(datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))
