"""``livewatch demo-gateway``."""

import asyncio
from pathlib import Path

import click


@click.command("demo-gateway")
@click.option("--board", type=click.Path(path_type=Path), required=True, help="Vitals board to write.")
@click.option("--socket", type=click.Path(path_type=Path), required=True, help="Control socket to serve.")
@click.option("--inbound", type=click.Path(path_type=Path), help="Socket for messages.  [default: beside the board]")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the sessions.  [default: beside the board]")
@click.option("--provider", "provider_url", help="Address of the model provider.  [default: starts its own]")
@click.option("--sessions", type=click.IntRange(0, 10_000), default=8, show_default=True, help="Visitors to simulate.")
@click.option("--end-with-stdin", is_flag=True, help="End when standard input is closed, as a parent's death does.")
def command(
    board: Path,
    socket: Path,
    inbound: Path | None,
    store: Path | None,
    provider_url: str | None,
    *,
    sessions: int,
    end_with_stdin: bool,
) -> None:
    """Start the example gateway on its own, with the probe embedded, and say how to attach to it.

    Ends with 0 on SIGTERM or Ctrl-C, after what runs has finished or 5 s have passed.

    \b
    Example: livewatch demo-gateway --board run/board --socket run/control.sock
    """
    from livewatch.demo.gateway_service import GatewaySettings, serve_gateway

    settings = GatewaySettings(
        board=board,
        socket=socket,
        inbound=inbound or board.with_name(f"{board.name}.inbound"),
        store=store or board.with_name(f"{board.name}.sessions"),
        provider_url=provider_url,
        sessions=sessions,
        end_with_stdin=end_with_stdin,
    )
    try:
        asyncio.run(serve_gateway(settings, announce=click.echo))
    except OSError as error:
        raise click.ClickException(f"cannot start the gateway: {error}; use a folder that you may write to") from error


if __name__ == "__main__":
    command()
