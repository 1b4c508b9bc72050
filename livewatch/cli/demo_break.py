"""``livewatch demo-break``."""

import asyncio
from pathlib import Path

import click

from livewatch.cli.exits import Exit, end
from livewatch.demo.fault import Fault

_BLOCK_S = 5.0


@click.command("demo-break")
@click.argument("fault", type=click.Choice([fault.value for fault in Fault]))
@click.option(
    "--session", default="agent:main", show_default=True, help="Session that gets it, and one message behind."
)
@click.option(
    "--inbound",
    type=click.Path(path_type=Path),
    default=Path("run/board.inbound"),
    show_default=True,
    help="Socket for messages of the example gateway; it lies beside its board.",
)
def command(fault: str, session: str, inbound: Path) -> None:
    """Break the example gateway (`livewatch demo-gateway`) by hand, with a FAULT of the demo.

    A message is left waiting behind it, as a user would be. With the limits of production a hung call is told of after
    2 min and aborted after 6; give `livewatch run --warn-after 5s --abort-after 15s` to see it sooner.

    \b
    Example: livewatch demo-break hung_model_call --session agent:main
    """
    try:
        asyncio.run(_inject(Fault(fault), session, inbound))
    except OSError as error:
        problem = f"no example gateway at {inbound} ({error.strerror}); start one with `livewatch demo-gateway`"
        raise end(Exit.UNREACHABLE, f"{problem}, or give --inbound", kind="unreachable") from error
    click.echo(f"{session} has {fault}, and a message waits behind it; see `livewatch explain {session}`")


async def _inject(fault: Fault, session: str, inbound: Path) -> None:
    from livewatch.demo.inbound_client import InboundClient, InboundError

    async with InboundClient(inbound) as client:
        try:
            await client.inject(fault, session, seconds=_BLOCK_S if fault is Fault.BLOCKED_LOOP else 0.0)
            await client.send(session, "answer 2")
        except InboundError as error:
            raise end(Exit.PROBLEM, f"the example gateway refuses: {error}", kind="refused") from error
