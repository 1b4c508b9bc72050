"""``livewatch events``."""

import json
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import which_agent
from livewatch.cli.exits import Exit, end
from livewatch.cli.following import Follower
from livewatch.cli.journal_file import journal_option, moment_ago
from livewatch.cli.printable import iso_moment, moment, printable
from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.local_api.paths import agent_socket
from livewatch.recovery.journal.paths import journal_path
from livewatch.recovery.journal.reader import JournalUnreadableError

SCHEMA_VERSION = 1
_Event = dict[str, Any]


@click.command("events")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now, until Ctrl-C.")
@click.option("--since", metavar="DURATION", default="1h", show_default=True, help="How far back to begin.")
@click.option("--session", metavar="GLOB", help="Only about these sessions, such as 'agent:main:*'.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line (NDJSON).")
@journal_option
@which_agent
def command(
    *,
    follow: bool,
    since: str,
    session: str | None,
    journal: Path | None,
    agent: Path | None,
    name: str,
    as_json: bool,
) -> None:
    """Print what the agent reported: changed labels, gates, actions, outcomes, what people asked for; oldest first.

    Asks the running agent, and reads the journal when none runs and none was named. With -f it survives restarts of
    the agent: nothing is left out or told twice. The `cursor` of each JSON line says where it stands in the one
    sequence of the journal.

    Exit code 0: read, or the reader of a pipe went away. 2: usage. 3: no journal can be read. 130: Ctrl-C.

    \b
    Examples:
      livewatch events --since 10m
      livewatch events -f --json | jq 'select(.kind == "outcome")'
    """
    since_wall_s = moment_ago(since, as_json=as_json)
    assert since_wall_s is not None
    past = Past(journal, agent, name, since_wall_s)
    try:
        printed = [_print(event, session, as_json=as_json) for event in past.events()]
        if not follow and not any(printed):
            about = "" if session is None else f" about a session that matches {session!r}"
            click.echo(f"no event{about} within {since}; --since looks further back", err=True)
    except JournalUnreadableError as error:
        if not follow or journal is not None:
            raise end(Exit.UNREACHABLE, str(error), as_json=as_json, kind="no_journal") from error
    if follow:
        # What is not in the file that was read may be in the agent's own; from here on it is asked.
        socket = agent_socket(name, agent)
        for event in Follower(socket, since_wall_s, past.cursor, _tell).events():
            _print(event, session, as_json=as_json)


class Past:
    """What happened until now: from the running agent, which knows its file, or from the file of its name."""

    def __init__(self, journal: Path | None, agent: Path | None, name: str, since_wall_s: float) -> None:
        self.cursor = ""
        """Where to go on after everything was read."""
        self._journal = journal
        self._socket = agent_socket(name, agent)
        self._named = agent is not None
        self._name = name
        self._since_wall_s = since_wall_s

    def events(self) -> Iterator[_Event]:
        """Yield them, oldest first.

        Raises:
            JournalUnreadableError: when no agent answers and there is no journal.
        """
        while True:
            page = self._page()
            self.cursor = page["cursor"]
            yield from page["events"]
            if not page["events"]:
                return

    def _page(self) -> dict[str, Any]:
        if self._journal is None:
            try:
                return ask(self._socket, "GET", "/v1/events", after=self.cursor or None, since=self._since_wall_s)
            except AgentUnreachable as error:
                if self._named:  # the file of that name may be of another agent than the one that was asked for
                    raise JournalUnreadableError(str(error)) from error
                self._journal = journal_path(self._name)
            except AgentRefused as error:
                raise JournalUnreadableError(str(error)) from error
        from livewatch.recovery.journal.feed import read_feed

        page = read_feed(self._journal, after=self.cursor, since_wall_s=self._since_wall_s)
        return {"cursor": page.cursor, "events": [item.document() for item in page.items]}


def line(event: _Event) -> str:
    """Return an event as one line for people."""
    session = printable(event["session"] or "-")
    return f"{moment(event['time'])}Z  {session:<24}  {printable(event['text'])}"


def _print(event: _Event, session: str | None, *, as_json: bool) -> bool:
    """Print an event unless it is about another session; return whether it was."""
    if session is not None and not (event["session"] is not None and fnmatchcase(event["session"], session)):
        return False
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, **event, "time": iso_moment(event["time"])}
        click.echo(json.dumps(document, separators=(",", ":")))
    else:
        click.echo(line(event))
    return True


def _tell(text: str) -> None:
    stamp = moment(time.time())
    click.echo(f"livewatch: {stamp}Z {text}", err=True)
