"""A fair queue: a caller with a bulk stream of a million parties does not delay a caller with one.

The caller that used the least time is served first. The streams of one caller take turns, and each
stream is served in order. A caller that returns after a pause starts level with the others, so a
pause saves up nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MOST_CALLERS: Final = 1_000
"""Callers whose used time is kept although they have no queued items."""


@dataclass(slots=True)
class _Caller(Generic[T]):
    """The seconds that a caller used, and its queued items by stream; the first stream is next."""

    used: float
    streams: dict[str, deque[T]] = field(default_factory=dict)


class FairQueue(Generic[T]):
    """Queued items, each of a caller and one of its streams."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller[T]] = {}
        self._waiting: dict[str, _Caller[T]] = {}
        self._reached = 0.0
        self._count = 0

    def __len__(self) -> int:
        """Returns the number of queued items."""
        return self._count

    def put(self, caller: str, stream: str, item: T, *, is_first: bool = False) -> None:
        """Queues an item at the end of its stream, or at its front if `is_first`."""
        known = self._callers.get(caller)
        if known is None:
            self._forget()
            known = self._callers[caller] = _Caller(self._reached)
        if caller not in self._waiting:
            known.used = max(known.used, self._reached)
            self._waiting[caller] = known
        queue = known.streams.setdefault(stream, deque())
        (queue.appendleft if is_first else queue.append)(item)
        self._count += 1

    def take(self) -> T:
        """Returns the next item. Raises IndexError if the queue is empty."""
        if not self._waiting:
            raise IndexError("the queue is empty")
        name, caller = min(self._waiting.items(), key=lambda each: each[1].used)
        self._reached = caller.used
        stream = next(iter(caller.streams))
        queue = caller.streams.pop(stream)
        item = queue.popleft()
        if queue:
            caller.streams[stream] = queue
        elif not caller.streams:
            del self._waiting[name]
        self._count -= 1
        return item

    def charge(self, caller: str, seconds: float) -> None:
        """Adds the seconds that an item of the caller took."""
        known = self._callers.get(caller)
        if known is not None:
            known.used += seconds
            if not self._waiting:
                # Nobody waited, so the time was taken from nobody: newcomers start level with it.
                self._reached = max(self._reached, known.used)

    def _forget(self) -> None:
        """Drops callers that the others have caught up with: they would start level anyway."""
        if len(self._callers) >= _MOST_CALLERS:
            self._callers = {
                name: each
                for name, each in self._callers.items()
                if name in self._waiting or each.used > self._reached
            }
