"""``livewatch demo``."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livewatch.cli.exits import Exit, end

if TYPE_CHECKING:
    from livewatch.demo.driver import Attach


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
@click.option(
    "--metrics-listen", metavar="HOST:PORT", default="127.0.0.1:0", show_default=True, help="Prometheus page."
)
@click.option("--picture", type=click.Path(path_type=Path), help="Also write the live table as an SVG file.")
def command(metrics_listen: str, picture: Path | None, *, as_json: bool) -> None:
    """Break a real gateway ten ways while healthy sessions work beside, and watch livewatch repair it.

    Everything runs on this machine in a temporary folder, within a minute. Exit code 0: every fault was repaired,
    nothing healthy was touched, no message was lost. 1: something of that is not so.

    \b
    Example: livewatch demo --json
    """
    from livewatch.demo.driver import DemoError, run_demo
    from livewatch.demo.view import choose_view
    from livewatch.parts import ServiceError

    view = choose_view(as_json=as_json, picture=picture)
    try:
        result = asyncio.run(run_demo(attach=_attach(metrics_listen), view=view))
    except (DemoError, ServiceError) as error:
        raise end(Exit.PROBLEM, str(error), as_json=as_json, kind="demo") from error
    except KeyboardInterrupt:
        raise end(Exit.INTERRUPTED, "interrupted; everything that was started has ended") from None
    raise click.exceptions.Exit(int(Exit.OK if result.ok else Exit.PROBLEM))


def _attach(metrics_listen: str) -> "Attach":
    from livewatch.configuration.settings import AgentSettings, Settings, TargetSettings, TelemetryOptions
    from livewatch.demo.scale import INTERVAL_S, POLICY
    from livewatch.service import attached
    from livewatch_classifiers.report import TickListener
    from livewatch_classifiers.thresholds import Thresholds

    @contextlib.asynccontextmanager
    async def attach(board: Path, socket: Path, thresholds: Thresholds, listener: TickListener) -> AsyncGenerator[None]:
        settings = Settings(
            target=TargetSettings(name="demo", board=board, socket=socket),
            thresholds=thresholds,
            recovery=POLICY,
            telemetry=TelemetryOptions(metrics_listen=metrics_listen),
            agent=AgentSettings(
                interval_s=INTERVAL_S, state_dir=board.parent, agent_socket=board.with_name("agent.sock")
            ),
        )
        stop = asyncio.Event()
        with board.with_name("agent.log").open("w", encoding="utf-8") as log:
            async with attached(settings, listeners=[listener], log=log) as service, asyncio.TaskGroup() as group:
                if service.prometheus_url is not None:
                    click.echo(f"metrics while it lasts: {service.prometheus_url}", err=True)
                group.create_task(service.agent.run(stop))
                try:
                    yield
                finally:
                    stop.set()

    return attach
