"""The parties of open applications and live licenses, in memory, to search for changed entries.

The index is filled from the database page by page and kept up to date by the journal's change feed.
One thread has it, so that the event loop stays free. Correctness does not depend on its being up to
date: a caller names the versions of the applications that it means, and the index reads those that
it lacks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Gauge

from chassis.store.change_feed import ChangeFeed, Cursor
from chassis.store.journal import Journal
from chassis.store.stream import StoredStream
from services.screening.core.config import ScreeningConfig
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lifecycle import MONITORED
from services.screening.core.model import Entry
from services.screening.core.reverse_lookup.index import PartyIndex
from services.screening.core.reverse_lookup.search import (
    Search,
    check_parties,
    groups_with_hits,
    queries_for,
)
from services.screening.shell.matcher import LoadedIndex

_LOG = structlog.get_logger("monitored")
_PAGE: Final = 200
_FEED_PAGE: Final = 500
_QUERY_BATCH: Final = 50
"""Queries that run at a time: a fraction of a second of the thread."""
_COMPARED_BATCH: Final = 500
_MAX_REMOVED: Final = 20_000
"""The index is built anew once it holds more parties than this that are no longer monitored.

It must also hold more of them than monitored ones, so that a large index is not rebuilt too often.
"""
PARTIES_PER_NAME: Final = 2
"""Searching the index for one name costs about as much as comparing so many parties one by one."""
_FIRST = UUID(int=0)
_NEXT_MONITORED: Final = """
where kind = 'screening' and state in ('SCREENED', 'LICENSED') and id > $1 order by id limit $2
"""
_BY_IDS: Final = "where kind = 'screening' and id = any($1::uuid[])"

T = TypeVar("T")


class MonitoredParties:
    """The index of monitored parties, and the search for the ones that an entry may be."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        config: ScreeningConfig,
        registry: CollectorRegistry,
    ) -> None:
        self._journal, self._config = journal, config
        self._feed = ChangeFeed(journal, "partner_id")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parties")
        self._index: PartyIndex[UUID] = PartyIndex()
        self._cursor: Cursor | None = None
        self._gauge = Gauge(
            "safeconduct_screening_monitored_parties",
            "Monitored parties in memory.",
            registry=registry,
        )

    @property
    def count(self) -> int:
        """Number of parties in the index."""
        return len(self._index)

    def release(self) -> None:
        """Releases the memory, because another replica holds the parties."""
        if self._cursor is not None:
            self._index, self._cursor = PartyIndex(), None
            self._gauge.set(0)

    async def keep_up(self) -> None:
        """Reads the changes since the last call; at the first call, all monitored parties.

        Raises RpcError.
        """
        if self._cursor is None or self._index.removed > max(_MAX_REMOVED, len(self._index)):
            self.release()
            # The cursor is read before the pages: what changes while they are read is read again.
            self._cursor = await self._feed.current_cursor()
            try:
                await self._read_all()
            except BaseException:
                # Some of the parties must not count as all of them: the next call reads them again.
                self.release()
                raise
        while changes := await self._feed.read_after(self._cursor, _FEED_PAGE):
            await self._read({change.stream_id for change in changes})
            self._cursor = changes[-1].cursor
        self._gauge.set(self.count)

    async def matching(
        self, index: LoadedIndex, entries: tuple[Entry, ...], versions: Mapping[UUID, int]
    ) -> frozenset[UUID]:
        """Returns the applications that may have one of the entries as a party.

        `versions` are the applications to look at, each at its version. Few applications, or many
        changed names, are compared one by one; else the index is searched for the names. Raises
        RpcError and MatcherError.
        """
        names = sum(len(entry.names) for entry in entries)
        if len(versions) <= PARTIES_PER_NAME * names:
            return await self._compare_each(index, entries, sorted(versions))
        await self.keep_up()
        behind = [
            each for each, version in versions.items() if self._index.version_of(each) != version
        ]
        await self._read(behind)
        queries = await index.run_function(queries_for, entries)
        search: Search[UUID] = Search(queries, versions.__contains__)
        while pages := search.pages():
            found = []
            for batch in in_batches(pages, _QUERY_BATCH):
                found += await self._in_thread(
                    lambda batch: [self._index.candidates(page) for page in batch], batch
                )
            for checks in in_batches(search.checks(found), _COMPARED_BATCH) or [()]:
                requests = [check.request for check in checks]
                hits = await index.run_function(check_parties, entries, requests, self._config)
                search.record(checks, hits)
        return frozenset(party.application for party in search.parties.values())

    async def _compare_each(
        self, index: LoadedIndex, entries: tuple[Entry, ...], ids: Sequence[UUID]
    ) -> frozenset[UUID]:
        """Returns the applications that may have an entry as a party, compared one by one."""
        found: set[UUID] = set()
        for batch in in_batches(ids, _PAGE):
            applications = await self._journal.select(_BY_IDS, list(batch))
            parties = [[each.query for each in one.state.latest.subjects] for one in applications]
            results = await index.run_function(groups_with_hits, entries, parties, self._config)
            found.update(
                one.id for one, has_hit in zip(applications, results, strict=True) if has_hit
            )
        return frozenset(found)

    async def _read_all(self) -> None:
        last = _FIRST
        while page := await self._journal.select(_NEXT_MONITORED, last, _PAGE):
            await self._in_thread(self._take, page)
            last = page[-1].id
        await self._in_thread(self._index.commit)
        _LOG.info("parties read", parties=len(self._index))

    async def _read(self, ids: Iterable[UUID]) -> None:
        """Reads these applications into the index, as they are now."""
        for batch in in_batches(sorted(ids), _PAGE):
            await self._in_thread(self._take, await self._journal.select(_BY_IDS, list(batch)))
        await self._in_thread(self._index.commit)

    def _take(self, applications: Sequence[StoredStream[ScreenedApplication]]) -> None:
        for each in applications:
            if each.state.state in MONITORED:
                self._index.put(
                    each.id, each.version, [subject.query for subject in each.state.latest.subjects]
                )
            else:
                self._index.remove(each.id)

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def in_batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Returns the items in order, in batches of `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
