"""Runs what a replica stores once at its start, and waits for the database meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from chassis.rpc.errors import RpcError

RETRY_S: Final = 1.0


async def run_at_start(*actions: Callable[[], Awaitable[None]]) -> None:
    """Runs the actions one after the other, each again while the database does not answer."""
    for action in actions:
        while True:
            try:
                await action()
                break
            except RpcError:
                await asyncio.sleep(RETRY_S)
