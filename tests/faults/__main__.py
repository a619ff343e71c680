"""Runs `make test-faults`: injects every fault into a stack of its own and checks the invariants.

Exits with 0 only if every invariant held and every kind of fault was injected. Kinds that this
machine does not allow are named and do not count.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.cache import CHECKOUT
from tests.faults.run import RunOptions, run, show, write
from tests.faults.schedule import Fault


def main(
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same scenarios and the same faults.")
    ] = 1,
    applications: Annotated[int, typer.Option(help="Number of scenarios.", min=1)] = 2000,
    nodes: Annotated[int, typer.Option(help="Kafka nodes: 1 or 3.")] = 1,
    rate: Annotated[float, typer.Option(help="Stories that begin in a second, at most.")] = 10.0,
    only: Annotated[list[Fault] | None, typer.Option(help="Only these kinds of faults.")] = None,
    root: Annotated[Path, typer.Option(help="Where the stack keeps its files.")] = CHECKOUT
    / "build"
    / "faults",
) -> None:
    """Runs load, faults, recovery and checks; writes build/faults.json.

    Example: python -m tests.faults --seed 1 --applications 200 --nodes 3
    """
    console = Console()
    options = RunOptions(seed, applications, nodes, rate, only=frozenset(only) if only else None)
    report = run(options, root, console)
    show(report, console)
    file = CHECKOUT / "build" / "faults.json"
    write(report, file)
    held = not report.violations
    console.print(
        f"{'every invariant held' if held else 'not every invariant held'}:"
        f" {file.relative_to(CHECKOUT)}"
    )
    raise typer.Exit(0 if held else 1)


if __name__ == "__main__":
    typer.run(main)
