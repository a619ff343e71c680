"""The parties that wait for a worker: usual and large ones, each in a fair queue.

A large party keeps a worker busy for half a second. So that usual parties never wait behind large
ones only, large parties never take the last worker.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from services.screening.core.model import PartyQuery, Screening
from services.screening.shell.fair_queue import FairQueue
from services.screening.shell.matcher import Caller

_LARGE: Final = 1_000
"""A party is large from this number of characters in all names: about ten times the usual cost."""


@dataclass(slots=True, eq=False)
class PendingParty:
    """A party that is queued or with a worker. attempts: workers that ended while they had it."""

    query: PartyQuery
    caller: Caller
    result: asyncio.Future[Screening]
    attempts: int = 0
    is_large: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_large = sum(map(len, self.query.names)) >= _LARGE


class PartyQueue:
    """Queued parties of one index version, for `worker_count` workers."""

    def __init__(self, worker_count: int) -> None:
        self._worker_count = worker_count
        self._usual: FairQueue[PendingParty] = FairQueue()
        self._large: FairQueue[PendingParty] = FairQueue()

    def put(self, party: PendingParty, *, is_first: bool = False) -> None:
        """Queues a party at the end of its stream, or at its front if `is_first`."""
        caller = party.caller
        self._queue_of(party).put(caller.name, caller.stream, party, is_first=is_first)

    def take(self, large_in_work: int) -> PendingParty | None:
        """Returns the next party for a free worker, or None.

        `large_in_work` is the number of workers that have a large party. Large parties may use one
        worker in any case, and all but one if no usual party waits.
        """
        may_add = not large_in_work or (not self._usual and large_in_work < self._worker_count - 1)
        if self._large and may_add:
            return self._large.take()
        return self._usual.take() if self._usual else None

    def charge(self, party: PendingParty, seconds: float) -> None:
        """Charges the party's caller with the CPU seconds that it took."""
        self._queue_of(party).charge(party.caller.name, seconds)

    def _queue_of(self, party: PendingParty) -> FairQueue[PendingParty]:
        return self._large if party.is_large else self._usual
