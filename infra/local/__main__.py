"""`python -m infra.local`: the command line of the local stack."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.cache import CHECKOUT
from infra.downloads import kafka
from infra.local import up
from infra.local.processes import ProcessError
from infra.local.root_lock import AlreadyRunningError
from infra.programs import DownloadError, MissingProgramError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Run Safeconduct on this machine."
)


@app.command("up")
def run_up(
    *,
    viewer: Annotated[bool, typer.Option(help="Start the trace viewer.")] = True,
    root: Annotated[Path, typer.Option(help="Folder of all files.")] = CHECKOUT / ".run",
    replicas: Annotated[int, typer.Option(min=1, help="Processes of each service.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, max=3, help="Kafka nodes: 1 or 3.")] = 1,
    services: Annotated[
        bool, typer.Option(help="Start the services; without, start them by hand.")
    ] = True,
) -> None:
    """Start all parts, print their addresses, and stop them on Ctrl-C or SIGTERM."""
    console = Console()
    options = up.Options(
        root=root, viewer=viewer, replicas=replicas, nodes=nodes, services=services
    )
    try:
        up.run(console, options)
    except (
        AlreadyRunningError,
        DownloadError,
        MissingProgramError,
        ProcessError,
        ValueError,
    ) as error:
        console.print(f"[bold red]{type(error).__name__}[/]", highlight=False)
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


@app.command("kafka-checksums")
def record_kafka_checksums() -> None:
    """Record the checksums of Kafka's jars after a change of pom.xml; review the difference."""
    with tempfile.TemporaryDirectory() as folder:
        typer.echo(kafka.record_checksums(Path(folder)))


if __name__ == "__main__":
    app()
