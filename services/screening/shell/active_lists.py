"""Keeps the index of the active versions of all lists loaded, and imports the initial list once.

If several replicas start an empty installation, the version check of the list's stream lets one of
them import; the others find it done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from prometheus_client import CollectorRegistry, Gauge

from chassis.rpc.errors import CommonReason, RpcError
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from services.screening.core.identity import list_id_of
from services.screening.core.lists.formats import read
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import (
    Event,
    ListVersion,
    ScreeningList,
    StartList,
    decide,
    index_version,
)
from services.screening.shell.list_sources import ListSource
from services.screening.shell.list_store import ListStore
from services.screening.shell.matcher import LoadedIndex, MatcherError
from services.screening.shell.screener import Screener

_LOG = structlog.get_logger("lists")
_POLL_S: Final = 3.0
ACTOR: Final = "service/screening"


class ActiveLists:
    """Loads the active versions into the screener. `run` never returns by itself."""

    def __init__(
        self,
        journal: Journal[ScreeningList, Event],
        store: ListStore,
        screener: Screener,
        initial: ListSource,
        registry: CollectorRegistry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        poll_s: float = _POLL_S,
    ) -> None:
        self._journal, self._store, self._screener, self._initial = (
            journal,
            store,
            screener,
            initial,
        )
        self._clock, self._poll_s = clock, poll_s
        self._loaded = asyncio.Event()
        self._woken = asyncio.Event()
        self._count = Gauge(
            "safeconduct_screening_list_entries", "Parties on the loaded lists.", registry=registry
        )
        self._fault: str | None = "the list is being loaded"
        self.when_loaded: list[Callable[[], None]] = []
        """Called each time another index is loaded."""

    @property
    def list_id(self) -> UUID:
        """The stream of the list that an empty installation starts with."""
        return list_id_of(self._initial.code)

    def ready(self) -> str | None:
        """Returns None while the active versions are loaded, else why they are not."""
        return self._fault

    def wake(self) -> None:
        """Makes `run` look for another active version now."""
        self._woken.set()

    async def loaded(self) -> None:
        """Returns once an index was loaded for the first time."""
        await self._loaded.wait()

    async def run(self) -> None:
        """Loads the active versions, and every version that is activated later, until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.refresh()
            except RpcError as error:
                if error.reason == CommonReason.NEWER_STATE:
                    self._stop_screening(error.reason)
                else:
                    # The database is away: the loaded index stays in use, and the readiness of the
                    # store reports the fault.
                    _LOG.warning("lists not read", reason=error.reason)
            except ListUnreadable as error:
                self._stop_screening(type(error).__name__)
            except MatcherError as error:
                # The loaded index stays in use; `is_current` reports that it is behind.
                _LOG.error("index not built", why=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._poll_s)

    async def refresh(self) -> None:
        """Loads the active versions if others are loaded.

        On an empty installation, imports and activates the initial list first.

        Raises RpcError if the database is away, ListUnreadable if a version cannot be read,
        MatcherError if its index cannot be built.
        """
        active = await self._store.active_versions() or await self._import_initial()
        loaded = self._screener.index
        if loaded is None or loaded.list_version_id != index_version(active):
            index = await self._load(active)
            if index_version(await self._store.active_versions()) != index.list_version_id:
                # Other versions were activated while it was built: look again, and do not screen
                # against a version that is no longer active.
                self.wake()
                return
            self._swap(index)
        self._fault = None

    async def is_current(self) -> bool:
        """Returns True if the loaded versions are the active ones. Raises RpcError."""
        loaded = self._screener.index
        active = await self._store.active_versions()
        return loaded is not None and loaded.list_version_id == index_version(active)

    def _stop_screening(self, why: str) -> None:
        """Releases the index, because this release cannot read what a newer one has activated.

        To screen against the version before would miss listed parties.
        """
        self._screener.index = None
        self._fault = "the active list cannot be read"
        _LOG.error("list unreadable", why=why)

    def _swap(self, index: LoadedIndex) -> None:
        # One assignment: callers that took the old index keep it until their parties are screened.
        self._screener.index = index
        self._count.set(len(index.entries))
        self._loaded.set()
        for wake in self.when_loaded:
            wake()
        _LOG.info("list loaded", list_version=index.list_version_id, entries=len(index.entries))

    async def _import_initial(self) -> tuple[ListVersion, ...]:
        source = self._initial
        entries = await asyncio.to_thread(read, source.kind, source.code, source.content)
        await self._store.put_source(source)
        command = StartList(self.list_id, source.version(len(entries), self._clock()))
        name = command.version.list_version
        key = IdempotencyKey(uuid5(NAMESPACE_OID, f"start/{name}"), "list:start", source.digest)
        await self._journal.execute(self.list_id, key, ACTOR, lambda state: decide(state, command))
        active = await self._store.active_versions()
        assert active, "a list that was started is active"
        return active

    async def _load(self, versions: Iterable[ListVersion]) -> LoadedIndex:
        entries = [entry for version in versions for entry in await self._store.entries_of(version)]
        return await self._screener.load(entries, index_version(versions))
