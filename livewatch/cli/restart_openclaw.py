"""``livewatch restart-openclaw``."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livewatch.cli.exits import Exit, end
from livewatch.guard.access import AccessError
from livewatch.guard.owner import GatewayOwner

if TYPE_CHECKING:
    from livewatch.sources.openclaw.discovery import Gateway


@click.command("restart-openclaw")
@click.option("--url", metavar="URL", help="WebSocket of the gateway.  [default: as OpenClaw is configured]")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File with its token.  [default: as OpenClaw is configured]"
)
@click.option("--profile", metavar="NAME", help="Profile, as in `openclaw --profile`.")
@click.option("--tls-fingerprint", metavar="SHA256", help="Of its certificate.  [default: of OpenClaw's own file]")
@click.option("--tls-certificate", type=click.Path(path_type=Path), help="File with its certificate (PEM).")
@click.option(
    "--owner", metavar="USER", envvar="LIVEWATCH_OWNER", help="User as whom the gateway runs.  [default: this user]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    *, url: str | None, token_file: Path | None, profile: str | None, tls_fingerprint: str | None,
    tls_certificate: Path | None, owner: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Ask an OpenClaw gateway to restart itself, which it does when what runs has ended.

    Meant as the last rung: `restart_command = ["livewatch", "restart-openclaw"]` in `[recovery]`, with mode restart.
    Ends with 0 when the gateway took the request, 1 when it refused, 2 when a file cannot be used, 3 when nobody
    answers.

    \b
    Example: livewatch restart-openclaw --url ws://127.0.0.1:18789 --token-file token
    """
    from livewatch.sources.openclaw.discovery import DiscoveryError, Options, find_gateway
    from livewatch.sources.openclaw.wire import WireError

    try:
        found = find_gateway(url, token_file, options=Options(profile, tls_fingerprint, tls_certificate))
        code, said = asyncio.run(_ask(found, GatewayOwner.named(owner)))
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


async def _ask(found: "Gateway", owner: GatewayOwner) -> tuple[str, str]:
    """Return the code of a refusal (empty when there is none) and what the gateway said."""
    from livewatch.sources.openclaw.wire import ACTING, Nobody, Wire

    wire = await Wire.open(
        found.url, found.token, Nobody(), scopes=ACTING, owner=owner, pin=found.pin, lacking=found.lacking
    )
    try:
        answer = await wire.ask("gateway.restart.request", {"reason": "livewatch: last rung"})
    finally:
        await wire.close()
    if answer.payload is None:
        return answer.code or "REFUSED", answer.message
    return "", str(answer.payload.get("status", "taken"))
