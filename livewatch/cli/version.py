"""``livewatch version``."""

import json
import platform

import click

from livewatch import __version__


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, as_json: bool) -> None:
    """Say which livewatch this is, and which layouts and protocols it speaks; agent and probe must agree on them.

    \b
    Example: livewatch version --json
    """
    from livewatch.probe.layout import VERSION

    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.system().lower(),
        "board_layout": VERSION,
    }
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "ok": True, **facts}))
    else:
        click.echo("livewatch {version} (Python {python}, {platform}; board layout {board_layout})".format(**facts))
