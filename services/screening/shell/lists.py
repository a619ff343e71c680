"""Keeps the list that is screened against: the first import, and loading whatever version is active.

A version's source lies in the database byte for byte, and every replica builds its index from there: what all replicas
agree on is in the journal, never on a disk. Of several replicas that start an empty installation, the list's version
lets one import; the others find it done.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
import yaml
from prometheus_client import CollectorRegistry, Gauge
from pydantic import BaseModel, ConfigDict, Field

from chassis.journal import Journal, Key
from chassis.refusal import Refused
from services.screening.core.csl import ListUnreadable, read_entries
from services.screening.core.index import Generation
from services.screening.core.register import Event, ListVersion, ScreeningList, StartList, decide
from services.screening.shell.desk import Desk
from services.screening.shell.streams import list_id_of

_LOG = structlog.get_logger("lists")
_POLL_S = 3.0
ACTOR = "service/screening"


@dataclass(frozen=True, slots=True)
class Source:
    """A list as published: its code, the publisher's date, and the file."""

    code: str
    published: str
    content: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).digest()

    def version(self, entry_count: int, imported_at: datetime) -> ListVersion:
        """The version that this file is."""
        name = f"{self.code}/{self.published}/{self.digest.hex()[:12]}"
        return ListVersion(name, self.digest.hex(), entry_count, imported_at)


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
    """Sees to it that the desk has the active version of the list. `run` never returns by itself."""

    def __init__(
        self,
        journal: Journal[ScreeningList, Event],
        desk: Desk,
        first: Source,
        registry: CollectorRegistry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        poll_s: float = _POLL_S,
    ) -> None:
        self._journal, self._desk, self._first, self._clock, self._poll_s = journal, desk, first, clock, poll_s
        self._list_id = list_id_of(first.code)
        self._loaded = asyncio.Event()
        self._entries = Gauge("screening_list_entries", "Parties on the loaded list.", registry=registry)
        self._fault: str | None = "the list is being loaded"

    @property
    def list_id(self) -> UUID:
        """The stream of the list."""
        return self._list_id

    def ready(self) -> str | None:
        """None while the active version is loaded, else why not."""
        return self._fault

    async def loaded(self) -> None:
        """Returns once a version was loaded."""
        await self._loaded.wait()

    async def run(self) -> None:
        """Loads the active version, and each one that is activated later, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Refused as error:
                # The database is away: what is loaded stays, and the readiness of storage says the rest.
                _LOG.warning("list not looked at", reason=error.reason)
            except ListUnreadable as error:
                # An older release may not read a newer list. Nothing is screened rather than screened against the past.
                self._desk.generation = None
                self._fault = "the active list cannot be read"
                _LOG.error("list unreadable", why=type(error).__name__)
            await asyncio.sleep(self._poll_s)

    async def refresh(self) -> None:
        """Looks which version is active and loads it if another one is loaded. The first look may import the first one.

        Raises Refused when the database is away, ListUnreadable when the version cannot be read.
        """
        active = await self._active() or await self._start()
        loaded = self._desk.generation
        if loaded is None or loaded.list_version_id != active.list_version:
            self._desk.generation = await self._load(active)
            self._entries.set(active.entry_count)
            self._loaded.set()
            _LOG.info("list loaded", list_version=active.list_version, entries=active.entry_count)
        self._fault = None

    async def _active(self) -> ListVersion | None:
        current = await self._journal.read(self._list_id)
        if current is None or current.state.active is None:
            return None
        return current.state.find(current.state.active)

    async def _start(self) -> ListVersion:
        first = self._first
        entries = await asyncio.to_thread(read_entries, first.content)
        # The source lies there before any event speaks of it.
        await self._journal.fetch(
            "insert into list_source (digest, list_code, content) values ($1, $2, $3) on conflict do nothing",
            first.digest, first.code, first.content,
        )  # fmt: skip
        command = StartList(self._list_id, first.version(len(entries), self._clock()))
        name = command.version.list_version
        key = Key(uuid5(NAMESPACE_OID, f"start/{name}"), "list:start", first.digest)
        await self._journal.execute(self._list_id, key, ACTOR, lambda state: decide(state, command))
        active = await self._active()
        assert active is not None, "a list that was started is active"
        return active

    async def _load(self, version: ListVersion) -> Generation:
        digest = bytes.fromhex(version.source_digest)
        rows = await self._journal.fetch("select content from list_source where digest = $1", digest)
        if not rows or hashlib.sha256(rows[0]["content"]).digest() != digest:
            raise ListUnreadable("the source of the version is not in the database as it was imported")
        content: bytes = rows[0]["content"]
        return await asyncio.to_thread(lambda: Generation.build(read_entries(content), version.list_version))
