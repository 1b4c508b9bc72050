"""``livewatch dashboards``."""

from pathlib import Path

import click

from livewatch.cli.exits import Exit, end


@click.group("dashboards")
def command() -> None:
    """Take out the Grafana dashboards, alert rules and runbooks that come with livewatch.

    \b
    Example: livewatch dashboards export ./monitoring
    """


@command.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--prometheus-url", default="http://localhost:9090", show_default=True, help="Where Grafana finds Prometheus."
)
@click.option(
    "--scrape", multiple=True, metavar="HOST:PORT", help="A metrics page of livewatch.  [default: localhost:9464]"
)
@click.option(
    "--runbooks",
    default="",
    metavar="URL",
    help="Base URL under which people read the runbooks; alerts and dashboards link there.",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["files", "kubernetes"]),
    default="files",
    show_default=True,
    help="A tree to mount, or manifests for the Prometheus Operator and Grafana's dashboard sidecar.",
)
@click.option("--force", is_flag=True, help="Replace files that say something else.")
def export(
    folder: Path, prometheus_url: str, scrape: tuple[str, ...], runbooks: str, shape: str, *, force: bool
) -> None:
    """Write dashboards, rules, runbooks and a provisioning tree for Grafana and Prometheus to FOLDER.

    Ends with 1, and writes nothing, when a file is there that says something else, unless --force is given.

    \b
    Example: livewatch dashboards export ./monitoring --prometheus-url http://prometheus:9090 \\
               --scrape gateway-1:9464 --scrape gateway-2:9464
    """
    from livewatch.dashboard_files import Places, manifests, tree

    places = Places(prometheus_url, scrape or ("localhost:9464",), runbooks)
    files = manifests(places) if shape == "kubernetes" else tree(places)
    try:
        changed = [name for name, text in files.items() if _differs(folder / name, text)]
        if changed and not force:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise end(
                Exit.PROBLEM,
                f"{folder / changed[0]}{more} would be replaced by something else; give --force or another folder",
                kind="exists",
            )
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise end(Exit.PROBLEM, f"cannot write {error.filename}: {error.strerror}", kind="write") from error
    next_step = (
        f"kubectl apply -k {folder}" if shape == "kubernetes" else f"{folder / 'README.md'} says where to mount them"
    )
    click.echo(f"wrote {len(files)} files to {folder}; {next_step}")
    if not runbooks:
        click.echo(
            "no alert links to its runbook; publish runbooks/ and give its address with --runbooks URL", err=True
        )


def _differs(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8", errors="replace") != text
