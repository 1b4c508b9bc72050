"""A process that journals until it is killed: prints each intent's key once the journal says that it is on disk."""

import asyncio
import resource
import sys
from pathlib import Path

from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.writer import WriterSettings
from tests.recovery.journal.facts import a_tick, an_act, completed, falls_sick, gets_well, wait_until


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def journal_for_ever(path: Path, token: str) -> None:
    journal = Journal(path, "gw", settings=WriterSettings(retry_s=0.02, busy_s=0.05))
    journal.start()
    number = 0
    while True:
        number += 1
        act = an_act(f"s{number % 7}", f"{token}-{number}")
        journal.on_tick(a_tick(number, transitions=(falls_sick(act.action.session),)))
        await journal.intent(act)
        say(act.action.idempotency_key)
        if number % 3:
            journal.completed(completed(act))
            journal.on_tick(a_tick(number + 0.5, transitions=(gets_well(act.action.session),)))


async def fill_the_disk(path: Path) -> None:
    """Write against a limit of the file size, then lift the limit; print what the journal says about itself."""
    journal = Journal(path, "gw", settings=WriterSettings(retry_s=0.02, busy_s=0.05))
    journal.start()
    await journal.intent(an_act(idempotency_key="first"))
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100_000, hard))  # noqa: ASYNC240 -- a test's child
    number = 0
    while not journal.degraded:
        number += 1
        await journal.intent(an_act("s" * 500, f"k{number}"))
    await journal.intent(an_act(idempotency_key="while-full"))
    say(f"degraded {journal.health.problem}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    wait_until(lambda: not journal.degraded)
    await journal.intent(an_act(idempotency_key="after"))
    journal.close(10.0)
    say(f"dropped {journal.dropped} intents {number + 3}")


if __name__ == "__main__":
    mode, where, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    asyncio.run(journal_for_ever(where, name) if mode == "for-ever" else fill_the_disk(where))
