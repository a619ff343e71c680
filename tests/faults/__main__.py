"""Runs `make test-faults`: injects every fault into a stack of its own and checks the invariants.

Exits with 0 only if every invariant held and every kind of fault was injected. Kinds that this
machine does not allow are named and do not count.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.cache import CHECKOUT
from infra.local.service import Release
from tests.faults.fault_stack import FaultStack
from tests.faults.run import RunOptions, run, show, write
from tests.faults.schedule import Fault
from tests.upgrade.next_release import (
    NextReleaseError,
    make_broken_release,
    make_next_release,
)


def main(
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same scenarios and the same faults.")
    ] = 1,
    applications: Annotated[int, typer.Option(help="Number of scenarios.", min=1)] = 2000,
    nodes: Annotated[int, typer.Option(help="Kafka nodes: 1 or 3.")] = 1,
    rate: Annotated[float, typer.Option(help="Stories that begin in a second, at most.")] = 10.0,
    only: Annotated[list[Fault] | None, typer.Option(help="Only these kinds of faults.")] = None,
    other: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Checkout and interpreter of the other release (default: made)."),
    ] = None,
    file: Annotated[Path, typer.Option(help="The file of the report.")] = CHECKOUT
    / "build"
    / "faults.json",
) -> None:
    """Runs load, faults, recovery and checks; writes build/faults.json.

    Replicas of this release run beside replicas of the next one, which is made first. The run
    itself is code of the next one, because only that reads everything that both have written.

    Example: python -m tests.faults --seed 1 --applications 200 --nodes 3
    """
    console = Console()
    if other is None and (only is None or Fault.MIXED_RELEASES in only):
        _run_with_next_release(console)
    options = RunOptions(seed, applications, nodes, rate, only=frozenset(only) if only else None)

    def add_releases(stack: FaultStack) -> None:
        stack.other_release = Release(*other) if other else None
        if only is None or Fault.BROKEN_HANDLER in only:
            stack.broken_release = make_broken_release()

    report = run(options, CHECKOUT / "build" / "faults", console, prepare=add_releases)
    show(report, console)
    write(report, file)
    held = not report.violations
    console.print(
        f"{'every invariant held' if held else 'not every invariant held'}: build/{file.name}"
    )
    raise typer.Exit(0 if held else 1)


def _run_with_next_release(console: Console) -> None:
    """Makes the next release and replaces this process by its run, with the same options."""
    console.print("making the next release: this tree with the patches of tests/upgrade/patches")
    try:
        following = make_next_release()
    except NextReleaseError as error:
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    arguments = [*sys.argv[1:], "--other", str(CHECKOUT), sys.executable]
    arguments += ["--file", str(CHECKOUT / "build" / "faults.json")] * ("--file" not in sys.argv)
    os.chdir(following.folder)
    os.execv(following.python, [str(following.python), "-m", "tests.faults", *arguments])


if __name__ == "__main__":
    typer.run(main)
