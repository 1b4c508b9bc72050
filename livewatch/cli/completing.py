"""What a shell completes: keys of sessions from the running agent, ids of incidents from the journal."""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

_SHOWN = 50


def session_keys(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the keys that begin so, the most urgent first; none where no agent answers."""
    from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
    from livewatch.local_api.paths import agent_socket

    named: Path | None = context.params.get("agent")
    try:
        path = agent_socket(context.params.get("name") or "gateway", named)
        rows = ask(path, "GET", "/v1/sessions", match=f"{_literal(incomplete)}*", limit=_SHOWN)["sessions"]
    except (AgentUnreachable, AgentRefused, KeyError, OSError):
        return []
    return [CompletionItem(row["session"], help=row["attention"]) for row in rows]


def incident_ids(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the ids that begin so, the newest first; none where there is no journal."""
    from livewatch.recovery.incident import build_incidents
    from livewatch.recovery.journal.paths import journal_path
    from livewatch.recovery.journal.reader import JournalUnreadableError, read_journal

    named: Path | None = context.params.get("journal")
    try:
        history = read_journal(named or journal_path(context.params.get("name") or "gateway"))
    except JournalUnreadableError:
        return []
    found = [incident for incident in build_incidents(history)[::-1] if incident.id.startswith(incomplete)]
    return [
        CompletionItem(incident.id, help=f"{incident.session or incident.target}: {', '.join(incident.labels)}")
        for incident in found[:_SHOWN]
    ]


def _literal(text: str) -> str:
    from glob import escape

    return escape(text)
