"""Runs `make test-upgrade`: makes the next release and rolls between it and this one under load.

The run itself is code of the next release, because only that reads everything that both have
written.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from infra.cache import CHECKOUT
from tests.upgrade.next_release import NextReleaseError, make_next_release


def main(
    seed: Annotated[int, typer.Option(help="The same seed gives the same load and faults.")] = 1,
    applications: Annotated[int, typer.Option(help="Number of scenarios.", min=1)] = 600,
    nodes: Annotated[int, typer.Option(help="Kafka nodes: 1 or 3.")] = 1,
) -> None:
    """Rolls to the next release, back, and to the next one again; writes build/upgrade.json.

    Example: python -m tests.upgrade --applications 200
    """
    console = Console()
    console.print("making the next release: this tree with the patches of tests/upgrade/patches")
    try:
        following = make_next_release()
    except NextReleaseError as error:
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    arguments = [
        *("--previous", str(CHECKOUT), "--previous-python", sys.executable),
        *("--seed", str(seed), "--applications", str(applications), "--nodes", str(nodes)),
        *("--report", str(CHECKOUT / "build" / "upgrade.json")),
    ]
    os.chdir(following.folder)
    os.execv(
        following.python, [str(following.python), "-m", "tests.upgrade.rolling_run", *arguments]
    )


if __name__ == "__main__":
    typer.run(main)
