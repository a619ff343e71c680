"""Group commit: writes that arrive while one transaction runs are committed together in the next.

A commit costs about as much as the rest of a small write, and one commit serves any number of
writes. A write that arrives alone is written at once. No caller gets its result before the
transaction with its own write has committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Passes items to `write` in batches of at most `max_batch`.

    `write` returns for each item whether it was written, or raises. If `is_shared_failure(error)`
    is true, for instance because the database is away, every item of the batch fails with that
    error. Any other error has written nothing: each item is then written alone, so that one bad
    item fails no other.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[bool]]],
        is_shared_failure: Callable[[Exception], bool],
        max_batch: int = 16,
    ) -> None:
        self._write, self._is_shared_failure = write, is_shared_failure
        self._max_batch = max_batch
        self._queue: deque[tuple[T, asyncio.Future[bool]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> bool:
        """Returns whether the item was written, or raises what `write` raised.

        A caller that is cancelled while it waits does not take its item back.
        """
        result: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((item, result))
        if self._writer is None:
            # Not in the context of the first caller: the writer works for all of them.
            self._writer = asyncio.create_task(self._run(), context=Context())
        return await result

    async def _run(self) -> None:
        try:
            while self._queue:
                count = min(len(self._queue), self._max_batch)
                await self._write_batch([self._queue.popleft() for _ in range(count)])
        finally:
            self._writer = None

    async def _write_batch(self, batch: list[tuple[T, asyncio.Future[bool]]]) -> None:
        try:
            written = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised to the callers of this batch
            if len(batch) > 1 and not self._is_shared_failure(error):
                for each in batch:
                    await self._write_batch([each])
                return
            for _, result in batch:
                if not result.done():
                    result.set_exception(error)
        else:
            for (_, result), is_written in zip(batch, written, strict=True):
                if not result.done():
                    result.set_result(is_written)
