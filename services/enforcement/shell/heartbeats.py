"""Heartbeats: the time up to which this replica knows every committed standing.

Once a second a heartbeat goes to every shard through database, outbox, relay and topic, which is
the path of every standing. When it has returned on every partition, the replica has read all that
was committed before the heartbeat started. If any part of the path stalls, no heartbeat returns and
the knowledge only grows older. No component has to detect the fault.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import structlog
from safeconduct.clock import ElapsedClock

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.store.outbox import SHARDS
from services.enforcement.shell import standing_codec

_LOG = structlog.get_logger("heartbeats")
NAME: Final = "StandingHeartbeat"
NAMES: Final = frozenset({NAME, "StandingTick"})
"""Names of heartbeats in the outbox. An earlier release may have left some under its own name."""
KEY: Final = b"heartbeat"
"""Kafka key of the heartbeats of all replicas.

One key for all: compaction keeps one heartbeat a partition instead of one for each process.
"""

INTERVAL_S: Final = 1.0
_STALLED: Final = 5
"""Number of heartbeats in flight at which the path counts as stalled.

From then on one heartbeat is written every `_SLOW_S`, so that the outbox does not fill up.
"""
_SLOW_S: Final = 5.0


class Heartbeats:
    """Writes the heartbeats of this replica and notes which have returned.

    `known_as_of` is the clock's time at the start of the newest heartbeat that has returned on
    every partition. It is None until the first one has.
    """

    def __init__(self, journal: Journal[Any, Any], clock: Callable[[], int] | None = None) -> None:
        self._journal, self._clock = journal, clock or ElapsedClock()
        self._replica_id = uuid4().hex
        self._sequence = 0
        self._started: dict[int, int] = {}
        self._newest_read = dict.fromkeys(range(SHARDS), 0)
        self._returned = asyncio.Event()
        self.known_as_of: int | None = None

    def age_ns(self) -> int | None:
        """Returns nanoseconds since `known_as_of`, or None before the first heartbeat returned."""
        return None if self.known_as_of is None else self._clock() - self.known_as_of

    def now(self) -> int:
        """Returns the time of the clock that `known_as_of` is measured by."""
        return self._clock()

    async def run(self) -> None:
        """Writes heartbeats until cancelled. If the database is away, it tries again."""
        while True:
            self._returned.clear()
            try:
                await self.write()
            except RpcError as error:
                _LOG.warning("heartbeat not written", reason=error.reason)
            if len(self._started) < _STALLED:
                await asyncio.sleep(INTERVAL_S)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._returned.wait(), _SLOW_S)

    async def write(self) -> None:
        """Writes one heartbeat to every shard.

        The start is noted before the write, so that everything committed by then precedes it.
        """
        self._sequence += 1
        # Step of the model: StartHeartbeat
        self._started[self._sequence] = self._clock()
        written_at = datetime.now(UTC)
        # Step of the model: WriteHeartbeat
        await self._journal.add_to_outbox(
            [
                (
                    shard,
                    NAME,
                    standing_codec.encode_heartbeat(
                        self._replica_id, self._sequence, shard, written_at
                    ),
                )
                for shard in range(SHARDS)
            ]
        )

    def record_read(self, partition: int, payload: bytes) -> None:
        """Notes a heartbeat that was read; ignores those of other replicas. Raises ValueError."""
        replica_id, sequence = standing_codec.decode_heartbeat(payload)
        # A relay may publish a heartbeat twice; an older one must not take anything back.
        if replica_id != self._replica_id or sequence <= self._newest_read.get(partition, sequence):
            return
        # Step of the model: ReturnHeartbeat
        self._newest_read[partition] = sequence
        complete = min(self._newest_read.values())
        started = [self._started.pop(each) for each in sorted(self._started) if each <= complete]
        if started:
            self.known_as_of = started[-1]
            self._returned.set()
