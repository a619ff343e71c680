"""Waits in tests for a condition or for the end of tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(
    condition: Callable[[], object] | Callable[[], Awaitable[object]],
    what: str,
    seconds: float = 30.0,
) -> None:
    """Returns when the condition is true. Fails with `what` if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


async def stopped(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits for their ends. A task that failed before fails the test."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    unexpected = [each for each in results if not isinstance(each, asyncio.CancelledError | None)]
    assert not unexpected
