"""The imported lists in the database: their versions and source files.

A source is stored byte for byte, and every replica reads it from there. Everything that
all replicas must agree on is in the database, never on a disk.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from chassis.store.journal import Journal
from services.screening.core.lists.formats import read
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import Event, ListVersion, ScreeningList
from services.screening.core.model import Entry
from services.screening.shell.list_sources import ListSource

_CACHED_VERSIONS: Final = 8


class ListStore:
    """Reads and writes the imported lists. Every method raises RpcError if the database is away."""

    def __init__(self, journal: Journal[ScreeningList, Event]) -> None:
        self._journal = journal
        self._entries: dict[str, tuple[Entry, ...]] = {}

    async def lists(self) -> tuple[ScreeningList, ...]:
        """Returns all lists with their versions, by code."""
        found = await self._journal.select("where kind = 'list'")
        return tuple(sorted((each.state for each in found), key=lambda each: each.versions[0].code))

    async def active_versions(self) -> tuple[ListVersion, ...]:
        """Returns the active version of every list that has one, by code."""
        found = (each.active_version for each in await self.lists())
        return tuple(version for version in found if version is not None)

    async def put_source(self, source: ListSource) -> None:
        """Stores the source of a version. Call it before the event that names the version.

        Otherwise another replica could load the version before its source is there.
        """
        await self._journal.fetch(
            "insert into list_source (digest, list_code, content) values ($1, $2, $3)"
            " on conflict do nothing",
            source.digest,
            source.code,
            source.content,
        )

    async def entries_of(self, version: ListVersion) -> tuple[Entry, ...]:
        """Returns the entries of a version, read from its source or the cache.

        Raises ListUnreadable if the source is missing, damaged or not readable by this release.
        """
        known = self._entries.get(version.list_version)
        if known is None:
            known = await self._read(version)
            self._entries[version.list_version] = known
            while len(self._entries) > _CACHED_VERSIONS:
                del self._entries[next(iter(self._entries))]
        return known

    async def _read(self, version: ListVersion) -> tuple[Entry, ...]:
        digest = bytes.fromhex(version.source_digest)
        rows = await self._journal.fetch(
            "select content from list_source where digest = $1", digest
        )
        if not rows or hashlib.sha256(rows[0]["content"]).digest() != digest:
            raise ListUnreadable("the source of the version is not stored as it was imported")
        content: bytes = rows[0]["content"]
        return await asyncio.to_thread(read, version.kind, version.code, content)
