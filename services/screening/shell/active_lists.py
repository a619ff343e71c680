"""Keeps what is screened against: the first import, and an index of the active versions of all lists.

A version's source lies in the database byte for byte, and every replica builds its index from there: what all replicas
agree on is in the journal, never on a disk. Of several replicas that start an empty installation, the list's version
lets one import; the others find it done.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
import yaml
from prometheus_client import CollectorRegistry, Gauge
from pydantic import BaseModel, ConfigDict, Field

from chassis.rpc.errors import RpcError
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from services.screening.core.lists.formats import read
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import (
    Event,
    ListFormat,
    ListVersion,
    ScreeningList,
    StartList,
    decide,
    generation_id,
)
from services.screening.core.model import Entry
from services.screening.shell.matcher import Loaded, MatcherError
from services.screening.shell.projections import list_id_of
from services.screening.shell.screener import Screener

_LOG = structlog.get_logger("lists")
_POLL_S = 3.0
_KEPT = 8
ACTOR = "service/screening"


@dataclass(frozen=True, slots=True)
class Source:
    """A list as published: its code, the publisher's date, the files as one, and how they are to be read."""

    code: str
    published: str
    content: bytes
    kind: ListFormat = ListFormat.CSL_CSV

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).digest()

    def version(self, entry_count: int, imported_at: datetime) -> ListVersion:
        """The version that this file is."""
        name = f"{self.code}/{self.published}/{self.digest.hex()[:12]}"
        return ListVersion(name, self.digest.hex(), entry_count, imported_at, self.kind, self.code)


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    code: Annotated[str, Field(pattern="^[A-Z][A-Z0-9-]{1,30}$")]
    published: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")]
    file: str


def shipped(manifest: Path) -> Source:
    """The list that a YAML manifest describes; its file stands beside it. Raises ValueError and OSError."""
    said = _Manifest.model_validate(yaml.safe_load(manifest.read_text(encoding="utf-8")))
    return Source(said.code, said.published, (manifest.parent / said.file).read_bytes())


class Lists:
    """Sees to it that the desk has the active version of every list. `run` never returns by itself."""

    def __init__(
        self,
        journal: Journal[ScreeningList, Event],
        desk: Screener,
        first: Source,
        registry: CollectorRegistry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        poll_s: float = _POLL_S,
    ) -> None:
        self._journal, self._desk, self._first, self._clock, self._poll_s = (
            journal,
            desk,
            first,
            clock,
            poll_s,
        )
        self._loaded = asyncio.Event()
        self._woken = asyncio.Event()
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._count = Gauge(
            "safeconduct_screening_list_entries", "Parties on the loaded lists.", registry=registry
        )
        self._fault: str | None = "the list is being loaded"
        self.when_loaded: list[Callable[[], None]] = []
        """Called each time that other lists are loaded."""

    @property
    def list_id(self) -> UUID:
        """The stream of the list that an empty installation starts with."""
        return list_id_of(self._first.code)

    def ready(self) -> str | None:
        """None while the active versions are loaded, else why not."""
        return self._fault

    def wake(self) -> None:
        """Something was activated: look now."""
        self._woken.set()

    async def loaded(self) -> None:
        """Returns once the lists were loaded."""
        await self._loaded.wait()

    async def run(self) -> None:
        """Loads the active versions, and each one that is activated later, until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.refresh()
            except RpcError as error:
                # The database is away: what is loaded stays, and the readiness of storage says the rest.
                _LOG.warning("list not looked at", reason=error.reason)
            except ListUnreadable as error:
                # An older release may not read a newer list. Nothing is screened rather than screened against the past.
                self._desk.generation = None
                self._fault = "the active list cannot be read"
                _LOG.error("list unreadable", why=type(error).__name__)
            except MatcherError as error:
                # What is loaded stays: it is tried again, and until then this replica says that it is behind.
                _LOG.error("list not loaded", why=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._poll_s)

    async def refresh(self) -> None:
        """Looks which versions are active and loads them if others are. The first look may import the first one.

        Raises Refused when the database is away, ListUnreadable when a version cannot be read, MatcherError when its
        index cannot be built.
        """
        active = await self.active() or await self._start()
        loaded = self._desk.generation
        if loaded is None or loaded.list_version_id != generation_id(active):
            generation = await self._load(active)
            if generation_id(await self.active()) != generation.list_version_id:
                # Others became active while it was built: what is no longer active is never screened against anew.
                self.wake()
                return
            # One reference: whoever screens took it once, and keeps it to the end.
            self._desk.generation = generation
            self._count.set(len(generation.entries))
            self._loaded.set()
            for wake in self.when_loaded:
                wake()
            _LOG.info(
                "list loaded",
                list_version=generation.list_version_id,
                entries=len(generation.entries),
            )
        self._fault = None

    async def registers(self) -> tuple[ScreeningList, ...]:
        """Every list with its versions, by code. Raises Refused."""
        found = await self._journal.select("where kind = 'list'")
        return tuple(sorted((each.state for each in found), key=lambda each: each.versions[0].code))

    async def active(self) -> tuple[ListVersion, ...]:
        """The active version of every list that has one, by code. Raises Refused."""
        found = [
            each.find(each.active) for each in await self.registers() if each.active is not None
        ]
        return tuple(version for version in found if version is not None)

    async def is_current(self) -> bool:
        """Whether what is loaded is what is active. Raises Refused."""
        loaded = self._desk.generation
        return loaded is not None and loaded.list_version_id == generation_id(await self.active())

    async def keep(self, source: Source) -> None:
        """Puts the source of a version where every replica finds it. Raises Refused."""
        await self._journal.fetch(
            "insert into list_source (digest, list_code, content) values ($1, $2, $3) on conflict do nothing",
            source.digest, source.code, source.content,
        )  # fmt: skip

    async def entries_of(self, version: ListVersion) -> tuple[Entry, ...]:
        """The parties of a version, read from its source. Raises Refused and ListUnreadable."""
        known = self._entries.get(version.list_version)
        if known is None:
            known = await self._read(version)
            self._entries[version.list_version] = known
            while len(self._entries) > _KEPT:
                del self._entries[next(iter(self._entries))]
        return known

    async def _start(self) -> tuple[ListVersion, ...]:
        first = self._first
        entries = await asyncio.to_thread(read, first.kind, first.code, first.content)
        # The source lies there before any event speaks of it.
        await self.keep(first)
        command = StartList(self.list_id, first.version(len(entries), self._clock()))
        name = command.version.list_version
        key = IdempotencyKey(uuid5(NAMESPACE_OID, f"start/{name}"), "list:start", first.digest)
        await self._journal.execute(self.list_id, key, ACTOR, lambda state: decide(state, command))
        active = await self.active()
        assert active, "a list that was started is active"
        return active

    async def _load(self, versions: Iterable[ListVersion]) -> Loaded:
        entries = [entry for version in versions for entry in await self.entries_of(version)]
        return await self._desk.load(entries, generation_id(versions))

    async def _read(self, version: ListVersion) -> tuple[Entry, ...]:
        digest = bytes.fromhex(version.source_digest)
        rows = await self._journal.fetch(
            "select content from list_source where digest = $1", digest
        )
        if not rows or hashlib.sha256(rows[0]["content"]).digest() != digest:
            raise ListUnreadable(
                "the source of the version is not in the database as it was imported"
            )
        content: bytes = rows[0]["content"]
        return await asyncio.to_thread(read, version.kind, version.code, content)
