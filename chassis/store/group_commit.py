"""Writes many things in one transaction when many come at once: what comes during a write goes with the next one.

A commit costs about as much as all else of a small write, and one commit serves any number. What comes alone is written
at once. Nobody is told anything before the transaction that holds its own thing is committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Gives things to `write`, up to `most` together; it says of each whether it was written, or it raises.

    A failure that `concerns_all` (the database is away) is everybody's. Any other one has written nothing, and each is
    then written by itself, so that nobody fails for what is wrong with another's.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[bool]]],
        concerns_all: Callable[[Exception], bool],
        most: int = 16,
    ) -> None:
        self._write, self._concerns_all, self._most = write, concerns_all, most
        self._waiting: deque[tuple[T, asyncio.Future[bool]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def put(self, thing: T) -> bool:
        """Whether it was written; raises what `write` raised. A caller that leaves meanwhile does not call it back."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, answer))
        if self._writer is None:
            self._writer = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._most)
                await self._together([self._waiting.popleft() for _ in range(count)])
        finally:
            self._writer = None

    async def _together(self, batch: list[tuple[T, asyncio.Future[bool]]]) -> None:
        try:
            written = await self._write([thing for thing, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised to those who wait for it
            if len(batch) > 1 and not self._concerns_all(error):
                for each in batch:
                    await self._together([each])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for (_, answer), is_written in zip(batch, written, strict=True):
                if not answer.done():
                    answer.set_result(is_written)
