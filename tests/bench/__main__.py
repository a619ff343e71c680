"""Runs the benchmarks on a stack of its own and writes build/bench.json.

Usage: `python -m tests.bench [--only NAME] [--quick]`. Every result has a baseline of the same run
or is CPU per operation, because durations of two runs do not compare.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.cache import CHECKOUT
from infra.local.stack import SERVICES, Stack
from infra.progress import Progress
from tests.bench.bench_stack import BenchStack
from tests.bench.benchmarks import ALONE, BENCHES
from tests.bench.result import Result, table, write


async def measure(
    stack: Stack,
    names: list[str],
    console: Console,
    keep: Callable[[list[Result]], None],
    *,
    is_quick: bool,
) -> None:
    """Runs the named benchmarks in the order of their table and keeps the results of each."""
    async with AsyncExitStack() as exit_stack:
        stack_under_test = BenchStack(
            stack,
            is_quick,
            exit_stack,
            lambda what: console.print(f"  [dim]{what}[/]", highlight=False),
        )
        for name, bench in BENCHES.items():
            if name in names:
                console.print(f"[bold]{name}[/]")
                keep(await bench(stack_under_test))


def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"Only this one; repeatable: {', '.join(BENCHES)}.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small numbers: whether it works, not how fast it is.")
    ] = False,
    root: Annotated[Path, typer.Option(help="Where the stack keeps its files.")] = CHECKOUT
    / "build"
    / "bench",
    out: Annotated[Path, typer.Option(help="The figures for programs.")] = CHECKOUT
    / "build"
    / "bench.json",
) -> None:
    """Measure on a stack of its own; writes build/bench.json.

    Example: python -m tests.bench --only submit
    """
    if unknown := sorted(set(only or ()) - set(BENCHES)):
        raise typer.BadParameter(
            f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHES)}"
        )
    console = Console(soft_wrap=True)
    chosen = [name for name in BENCHES if not only or name in only]
    figures: list[Result] = []

    def keep(found: list[Result]) -> None:
        figures.extend(found)
        write(figures, out)

    # The cost of applications alone needs a stack without screening.
    for services, names in ((("applications",), ALONE), (SERVICES, BENCHES.keys() - ALONE)):
        if here := [name for name in chosen if name in names]:
            shutil.rmtree(root, ignore_errors=True)
            with Stack(root, services=services, autostart=False, progress=Progress()) as stack:
                asyncio.run(measure(stack, here, console, keep, is_quick=quick))
            shutil.rmtree(root, ignore_errors=True)
    console.print(table(figures))
    console.print(f"{len(figures)} figures: {out}", highlight=False)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
