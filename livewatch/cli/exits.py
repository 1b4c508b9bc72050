"""Exit codes, and how a command ends with one clear line."""

from enum import IntEnum

import click

SCHEMA_VERSION = 1


class Exit(IntEnum):
    """What the process's exit code means."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_AUTHORISED = 4
    REFUSED = 5
    INTERRUPTED = 130


def end(code: Exit, message: str, *, as_json: bool = False, kind: str = "error") -> click.exceptions.Exit:
    """Print one line on standard error (and the JSON envelope on standard output), and return what to raise."""
    if as_json:
        import json

        click.echo(
            json.dumps({"schema_version": SCHEMA_VERSION, "ok": False, "error": {"type": kind, "message": message}})
        )
    click.echo(f"livewatch: {message}", err=True)
    return click.exceptions.Exit(int(code))
