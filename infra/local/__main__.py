"""`python -m infra.local`: the local stack on the command line."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.cache import CHECKOUT
from infra.local import kafka, up
from infra.local.processes import MissingToolError, ProcessError
from infra.local.stack import AlreadyRunningError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The parts that Safeconduct runs on, on this machine.",
)


@app.command("up")
def run_up(
    *,
    viewer: Annotated[bool, typer.Option(help="Show traces in the browser.")] = True,
    root: Annotated[Path, typer.Option(help="Where everything is kept.")] = CHECKOUT / ".run",
    replicas: Annotated[int, typer.Option(min=1, help="Processes of each service.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, max=3, help="Kafka nodes: 1 or 3.")] = 1,
    services: Annotated[
        bool, typer.Option(help="Start the three services; without, run them by hand.")
    ] = True,
) -> None:
    """Bring the whole stack up, say what runs where, and take it down on Ctrl-C or SIGTERM."""
    console = Console()
    try:
        up.run(
            console,
            up.Wish(root=root, viewer=viewer, replicas=replicas, nodes=nodes, services=services),
        )
    except (AlreadyRunningError, MissingToolError, ProcessError, ValueError) as error:
        console.print(f"[bold red]{type(error).__name__}[/]", highlight=False)
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


@app.command("kafka-checksums")
def record_kafka_checksums() -> None:
    """Record the checksums of Kafka's jars, after a change of its pom.xml; review the difference."""
    with tempfile.TemporaryDirectory() as folder:
        typer.echo(kafka.record_checksums(Path(folder)))


if __name__ == "__main__":
    app()
