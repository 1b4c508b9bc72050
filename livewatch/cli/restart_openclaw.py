"""``livewatch restart-openclaw``."""

import asyncio
import json
from pathlib import Path

import click

from livewatch.cli.exits import Exit, end
from livewatch.guard.access import AccessError
from livewatch.guard.owner import GatewayOwner


@click.command("restart-openclaw")
@click.option("--url", metavar="URL", help="WebSocket of the gateway.  [default: as OpenClaw is configured]")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File with its token.  [default: as OpenClaw is configured]"
)
@click.option(
    "--owner", metavar="USER", envvar="LIVEWATCH_OWNER", help="User as whom the gateway runs.  [default: this user]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, url: str | None, token_file: Path | None, owner: str | None, as_json: bool) -> None:
    """Ask an OpenClaw gateway to restart itself, which it does when what runs has ended.

    Meant as the last rung: `restart_command = ["livewatch", "restart-openclaw"]` in `[recovery]`, with mode restart.
    Ends with 0 when the gateway took the request, 1 when it refused, 2 when a file cannot be used, 3 when nobody
    answers.

    \b
    Example: livewatch restart-openclaw --url ws://127.0.0.1:18789 --token-file token
    """
    from livewatch.sources.openclaw.discovery import DiscoveryError, find_gateway
    from livewatch.sources.openclaw.wire import WireError

    try:
        found = find_gateway(url, token_file)
        code, said = asyncio.run(_ask(found.url, found.token, GatewayOwner.named(owner)))
    except (DiscoveryError, AccessError) as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="usage") from error
    except WireError as error:
        raise end(Exit.UNREACHABLE, f"{error.problem}: {error.hint}", as_json=as_json, kind="unreachable") from error
    if code:
        raise end(Exit.PROBLEM, f"the gateway refuses: {code} {said}", as_json=as_json, kind="refused")
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "ok": True, "status": said}))
    else:
        click.echo(f"restart: {said}")


async def _ask(url: str, token: str | None, owner: GatewayOwner) -> tuple[str, str]:
    """Return the code of a refusal (empty when there is none) and what the gateway said."""
    from livewatch.sources.openclaw.wire import ACTING, Nobody, Wire

    wire = await Wire.open(url, token, Nobody(), scopes=ACTING, owner=owner)
    try:
        answer = await wire.ask("gateway.restart.request", {"reason": "livewatch: last rung"})
    finally:
        await wire.close()
    if answer.payload is None:
        return answer.code or "REFUSED", answer.message
    return "", str(answer.payload.get("status", "taken"))
