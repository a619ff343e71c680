"""Since when a replica knows everything: ticks that go the way of every order and come back.

Once a second a tick goes to every shard through database, outbox, relay and topic, like any order. When it came back on
every partition, all that was committed before it began has been read. If any part stalls, no tick comes back, and what
is known only grows older: nothing has to notice the fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import structlog

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.store.outbox import SHARDS
from services.enforcement.shell import codec

_LOG = structlog.get_logger("ticks")
NAME: Final = "StandingTick"
KEY: Final = b"tick"
"""One key for all replicas, so that compaction keeps one tick a partition and not one a process that ever lived."""

INTERVAL_S: Final = 1.0
_STALLED: Final = 5
"""With so many ticks on their way something stalls; then the outbox fills no faster than a tick every `_SLOW_S`."""
_SLOW_S: Final = 5.0


def awake_clock() -> int:
    """Nanoseconds of a clock that never jumps and goes on while the machine sleeps, as the gates' clock does."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Heartbeats:
    """The ticks of this replica. `moment` is the beginning of the newest one that came back on every shard."""

    def __init__(self, journal: Journal[Any, Any], clock: Callable[[], int] = awake_clock) -> None:
        self._journal, self._clock = journal, clock
        self._replica_id = uuid4().hex
        self._sequence = 0
        self._began: dict[int, int] = {}
        self._heard = dict.fromkeys(range(SHARDS), 0)
        self._returned = asyncio.Event()
        self.moment: int | None = None

    def age_ns(self) -> int | None:
        """Nanoseconds since the moment as of which everything is known; None while that never was so."""
        return None if self.moment is None else self._clock() - self.moment

    def now(self) -> int:
        """Nanoseconds of the clock that `moment` is measured by."""
        return self._clock()

    async def run(self) -> None:
        """Writes ticks until cancelled."""
        while True:
            self._returned.clear()
            try:
                await self.write()
            except RpcError as error:
                _LOG.warning("tick not written", reason=error.reason)
            if len(self._began) < _STALLED:
                await asyncio.sleep(INTERVAL_S)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._returned.wait(), _SLOW_S)

    async def write(self) -> None:
        """One tick to every shard. Its beginning is noted first: whatever was committed by then is ahead of it."""
        self._sequence += 1
        self._began[self._sequence] = self._clock()
        written_at = datetime.now(UTC)
        await self._journal.add_to_outbox(
            [
                (
                    shard,
                    NAME,
                    codec.encode_tick(self._replica_id, self._sequence, shard, written_at),
                )
                for shard in range(SHARDS)
            ]
        )

    def hear(self, partition: int, payload: bytes) -> None:
        """A tick was read on a partition. Other replicas' ticks say nothing here. Raises ValueError for no tick."""
        replica_id, sequence = codec.decode_tick(payload)
        if replica_id != self._replica_id or sequence <= self._heard.get(partition, sequence):
            return
        self._heard[partition] = sequence
        known = min(self._heard.values())
        began = [self._began.pop(number) for number in sorted(self._began) if number <= known]
        if began:
            self.moment = began[-1]
            self._returned.set()
