"""Reads the newest standings from the database, and compares them with what the topic brought.

The topic alone may hide an order: compaction may have removed it before it was read, or the topic
was created anew. The database alone may have lost an order: a failover or a restore may have taken
commits back. So both are compared when reading begins, when all old records are read, when the
topic has a hole, when the database is not the one of before, and every few minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import structlog

from chassis.rpc.errors import RpcError
from chassis.store.database_identity import DatabaseIdentity, read_identity
from chassis.store.journal import Journal
from chassis.streams.topic_table import TopicTableReader
from chassis.transport.brokers import Bootstrap
from services.enforcement.shell.standing_cache import TOPIC, StandingCache

_LOG = structlog.get_logger("standings")
PAGE_SIZE: Final = 1_000
RETRY_S: Final = 0.5
RECALL_S: Final = 300.0
"""Seconds between two recalls without an occasion."""
IDENTITY_S: Final = 1.0
"""Seconds between two checks whether the database is the one of before."""
_NOT_COMPARED: Final = "the topic is not compared with the database yet"
_KEPT: Final = """
select license_id as stream_id, payload from standing
 where license_id > $1 and payload is not null order by license_id limit $2
"""
_REMOVED: Final = """
select license_id, removed_version from standing
 where license_id = any($1::uuid[]) and payload is null
"""


class StandingRecall:
    """Keeps the cache complete. `run` reads the topic and recalls until cancelled."""

    def __init__(self, cache: StandingCache, journal: Journal[Any, Any]) -> None:
        self._cache, self._journal = cache, journal
        self._identity: DatabaseIdentity | None = None
        self._topic_id: UUID | None = None
        self._is_caught_up = False
        self._lock = asyncio.Lock()

    async def run(self, bootstrap: Bootstrap) -> None:
        """Runs until cancelled. If broker or database is away, the knowledge only grows older."""
        self._cache.withhold(_NOT_COMPARED)
        reader = TopicTableReader(bootstrap, TOPIC, self._cache.consume, self.start)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reader.run())
            await reader.caught_up.wait()
            self._cache.is_traced = True
            await self.caught_up()
            tasks.create_task(self.watch())

    async def start(self, topic_id: UUID, ends: Mapping[int, int]) -> None:
        """Recalls before records of a topic are read, up to these ends of its partitions."""
        if topic_id != self._topic_id:
            self._topic_id = topic_id
            self._cache.forget_offsets()
        while not await self.check_identity():  # noqa: ASYNC110 - the database signals nothing
            await asyncio.sleep(RETRY_S)
        await self.recall(ends)

    async def caught_up(self) -> None:
        """Recalls after all old records were read, and allows leases if nothing is missing.

        The topic may hold orders that the database lost before this process started.
        """
        self._is_caught_up = True
        await self.recall()

    async def recall(self, ends: Mapping[int, int] | None = None) -> None:
        """Reads the newest standing of every license, page by page; waits for the database."""
        async with self._lock:
            await self._recall(ends)

    async def _recall(self, ends: Mapping[int, int] | None) -> None:
        # Step of the model: Recall
        begun = self._cache.begin_recall(ends)
        lost, last = dict(begun.versions), UUID(int=0)
        while rows := await self._fetch(_KEPT, last, PAGE_SIZE):
            for row in rows:
                self._compare(row["stream_id"], row["payload"], lost)
            if len(rows) < PAGE_SIZE:
                break
            last = rows[-1]["stream_id"]
        await self._forget_removed(lost)
        self._cache.withhold(_loss(lost) or (None if self._is_caught_up else _NOT_COMPARED))
        self._cache.end_recall(begun)

    async def _fetch(self, query: str, *values: object) -> list[Any]:
        """Returns the rows; waits for the database."""
        while True:
            try:
                return await self._journal.fetch(query, *values)
            except RpcError as error:
                _LOG.warning("standings not recalled yet", reason=error.reason)
                await asyncio.sleep(RETRY_S)

    def _compare(self, stream_id: UUID, payload: bytes, lost: dict[str, int]) -> None:
        """Applies a row. Takes the license out of `lost` unless the row is older than known."""
        version = self._cache.recall(stream_id, payload)
        if version is None or version >= lost.get(str(stream_id), 0):
            lost.pop(str(stream_id), None)

    async def _forget_removed(self, lost: dict[str, int]) -> None:
        """Removes licenses whose standing the database has removed, and takes them out of `lost`.

        The topic may still have their records, until it is compacted or because an old one came
        late. A version that is newer than the removed one stays lost.
        """
        # A key that is no UUID cannot be in the cache: a standing with one cannot be read.
        missing = [UUID(each) for each in lost]
        for start in range(0, len(missing), PAGE_SIZE):
            for row in await self._fetch(_REMOVED, missing[start : start + PAGE_SIZE]):
                license_id, version = str(row["license_id"]), row["removed_version"]
                if version >= lost[license_id]:
                    self._cache.remove(license_id, version)
                    del lost[license_id]

    async def watch(self) -> None:
        """Recalls on each occasion, and at the latest after `RECALL_S`."""
        loop = asyncio.get_running_loop()
        due = loop.time() + RECALL_S
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._cache.hole_found.wait(), IDENTITY_S)
            before = self._identity
            await self.check_identity()
            is_same = before is self._identity or self._continues(before)
            if self._cache.hole_found.is_set() or not is_same or loop.time() >= due:
                await self.recall()
                due = loop.time() + RECALL_S

    async def check_identity(self) -> bool:
        """Reads the identity of the database; returns whether it answered.

        If it is not the one of before, leases are withheld until the next recall.
        """
        try:
            found = await read_identity(self._journal)
        except RpcError:
            return False  # no heartbeat is written meanwhile, so the knowledge only grows older
        before, self._identity = self._identity, found
        self._cache.topic_name = f"{self._topic_id}/{found.name}"
        if not self._continues(before):
            _LOG.error("another database", before=str(before), now=str(found))
            self._cache.withhold("the database was restored or failed over, and is being compared")
        return True

    def _continues(self, before: DatabaseIdentity | None) -> bool:
        return before is None or self._identity is None or self._identity.continues(before)


def _loss(lost: Mapping[str, int]) -> str | None:
    """Returns why no lease may be given: the database lacks standings that were committed."""
    if not lost:
        return None
    license_id, version = min(lost.items())
    return (
        f"the database lost commits: it lacks the newest standing of {len(lost)} licenses,"
        f" for example version {version} of {license_id}"
    )
