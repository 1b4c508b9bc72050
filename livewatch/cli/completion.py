"""``livewatch completion``."""

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print what completes livewatch's commands and options in your shell.

    \b
    Example: livewatch completion bash > ~/.local/share/bash-completion/completions/livewatch
    """
    from click.shell_completion import get_completion_class

    from livewatch.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "livewatch", "_LIVEWATCH_COMPLETE").source())
