"""Whose turn it is: a queue in which nobody waits for somebody else's book.

Callers are served by the time that they used, least first; the streams of one caller take turns; one stream is served
in order. Whoever comes back after a pause begins where the others stand, so nobody saves turns up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_REMEMBERED: Final = 1_000
"""Callers whose used time is kept though nothing of theirs waits."""


@dataclass(slots=True)
class _Caller(Generic[T]):
    """A caller: the seconds used, and what waits, by stream; the stream in front is next."""

    used: float
    streams: dict[str, deque[T]] = field(default_factory=dict)


class FairQueue(Generic[T]):
    """Things that wait, each of a caller and a stream."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller[T]] = {}
        self._waiting: dict[str, _Caller[T]] = {}
        self._reached = 0.0
        self._count = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def put(self, caller: str, stream: str, thing: T, *, is_first: bool = False) -> None:
        """It waits behind what this stream has waiting; before it when `is_first`."""
        known = self._callers.get(caller)
        if known is None:
            self._forget()
            known = self._callers[caller] = _Caller(self._reached)
        if caller not in self._waiting:
            known.used = max(known.used, self._reached)
            self._waiting[caller] = known
        line = known.streams.setdefault(stream, deque())
        (line.appendleft if is_first else line.append)(thing)
        self._count += 1

    def take(self) -> T:
        """The next one. Raises IndexError when nothing waits."""
        if not self._waiting:
            raise IndexError("nothing waits")
        name, caller = min(self._waiting.items(), key=lambda each: each[1].used)
        self._reached = caller.used
        stream = next(iter(caller.streams))
        line = caller.streams.pop(stream)
        thing = line.popleft()
        if line:
            caller.streams[stream] = line
        elif not caller.streams:
            del self._waiting[name]
        self._count -= 1
        return thing

    def charge(self, caller: str, seconds: float) -> None:
        """What was done for this caller took so long."""
        known = self._callers.get(caller)
        if known is not None:
            known.used += seconds
            if not self._waiting:
                # Nobody is behind: what was used while others could have had it is owed to nobody.
                self._reached = max(self._reached, known.used)

    def _forget(self) -> None:
        """Those whom the others have caught up with start anew without a difference."""
        if len(self._callers) >= _REMEMBERED:
            self._callers = {
                name: each
                for name, each in self._callers.items()
                if name in self._waiting or each.used > self._reached
            }
