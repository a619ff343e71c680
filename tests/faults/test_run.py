"""A short run with every kind of fault: acknowledged work is kept, published and enforced."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from infra.cache import CHECKOUT
from tests.faults.run import RunOptions, run, show, write
from tests.faults.schedule import Fault


async def test_nothing_is_lost_doubled_or_allowed_too_long_whatever_is_broken(
    run_folder: Path,
) -> None:
    options = RunOptions(seed=1, applications=60)
    # The run has an event loop of its own, so it needs a thread of its own.
    report = await asyncio.to_thread(run, options, run_folder / "faults", Console(quiet=True))
    write(report, CHECKOUT / "build" / "faults-short.json")

    show(report, Console())  # shown if the test fails
    assert report.violations == []
    assert {name for name in map(str, Fault) if not report.faults[name]} <= set(report.impossible)
