"""The files of `deploy/` as values."""

from pathlib import Path
from typing import Any

import click
import yaml

from livewatch.cli import cli

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
Document = dict[str, Any]


def documents(path: str) -> list[Document]:
    """Return the documents of a YAML file below `deploy/`."""
    text = (DEPLOY / path).read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document is not None]


def one(kind: str, path: str = "kubernetes/complete.yaml") -> Document:
    """Return the only document of a kind."""
    (found,) = (document for document in documents(path) if document["kind"] == kind)
    return found


def understood(arguments: list[str]) -> click.Context:
    """Return what the command line makes of arguments, without running the command.

    Raises:
        click.UsageError: when it makes nothing of them.
    """
    with click.Context(cli) as context:
        command = cli.get_command(context, arguments[0])
        assert command is not None, f"there is no command {arguments[0]}"
        return command.make_context(arguments[0], list(arguments[1:]))
