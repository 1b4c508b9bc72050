"""The end of the demonstration in a few lines."""

from collections.abc import Iterator

from livewatch.demo.demo_result import DemoResult


def summary(result: DemoResult) -> Iterator[str]:
    """Yield what it came to, one line each, problems last."""
    well = sum(1 for record in result.faults if not record.problem)
    yield f"{well} of {len(result.faults)} faults went as they must, in {result.duration_s:.0f} s"
    yield (
        f"{result.healthy_turns_completed} turns of {result.healthy_sessions} healthy sessions answered; "
        f"{len(result.false_actions)} false actions, {len(result.false_blames)} false alarms"
    )
    yield (
        f"{result.messages_sent} messages sent, {result.messages_lost} lost, "
        f"{result.messages_duplicated} answered twice"
    )
    dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(result.heartbeats_dropped.items())) or "none"
    yield f"{result.heartbeats} heartbeats ran; dropped: {dropped}"
    for record in result.faults:
        if record.problem:
            yield f"problem: {record.fault.value}: {record.problem}"
    for problem in (*result.problems, *result.false_actions, *result.false_blames):
        yield f"problem: {problem}"
    if result.healthy_turns_failed:
        yield f"problem: {result.healthy_turns_failed} healthy turns failed"
