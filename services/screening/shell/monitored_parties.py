"""The parties of open applications and live licenses, kept in memory where what a list changes is looked up.

Filled from the database page by page and kept up by the journal's events; one thread has it, so that the loop stays
free. Nothing depends on its being up to date: whoever asks about applications says which versions of them are meant,
and what is missing here is read then.
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
from services.screening.core.reverse_lookup.search import Search, judged, looked_for, touched
from services.screening.shell.matcher import Loaded

_LOG = structlog.get_logger("monitored")
_PAGE: Final = 200
_CHANGES: Final = 500
_LOOKED_UP: Final = 50
"""Names that are looked up at a time: a fraction of a second of one thread."""
_JUDGED: Final = 500
_WORN: Final = 20_000
"""So many parties that are no longer monitored, and as many as are, and the index is made anew without them."""
NAMES_OF_A_PARTY: Final = 2
"""Looking a listed name up among the parties costs about as much as comparing so many parties with all that changed."""

_FIRST = UUID(int=0)
_MONITORED: Final = "where kind = 'screening' and state in ('SCREENED', 'LICENSED') and id > $1 order by id limit $2"

_THESE: Final = "where kind = 'screening' and id = any($1::uuid[])"

T = TypeVar("T")


class Monitored:
    """The index, and what is asked of it."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        config: ScreeningConfig,
        registry: CollectorRegistry,
    ) -> None:
        self._journal, self._config = journal, config
        self._tail = ChangeFeed(journal, "partner_id")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parties")
        self._index: PartyIndex[UUID] = PartyIndex()
        self._at: Cursor | None = None
        self._held = Gauge(
            "safeconduct_screening_monitored_parties",
            "Parties held for what lists change.",
            registry=registry,
        )

    @property
    def count(self) -> int:
        """Parties that are held."""
        return len(self._index)

    def forget(self) -> None:
        """Gives the memory back: another replica has them."""
        if self._at is not None:
            self._index, self._at = PartyIndex(), None
            self._held.set(0)

    async def keep_up(self) -> None:
        """Takes in what was written since the last time; all there is at the first. Raises Refused."""
        if self._at is None or self._index.dropped > max(_WORN, len(self._index)):
            self.forget()
            # Read before the pages are: what changes while they are read is read again.
            self._at = await self._tail.current_cursor()
            await self._read_all()
        while changes := await self._tail.read_after(self._at, _CHANGES):
            await self._read({change.stream_id for change in changes})
            self._at = changes[-1].cursor
        self._held.set(self.count)

    async def touched(
        self, generation: Loaded, entries: tuple[Entry, ...], versions: Mapping[UUID, int]
    ) -> frozenset[UUID]:
        """Which of these applications, as they are at these versions, may have one of the entries as a party.

        Raises Refused and MatcherError.
        """
        names = sum(len(entry.names) for entry in entries)
        if len(versions) <= NAMES_OF_A_PARTY * names:
            return await self._compared(generation, entries, sorted(versions))
        await self.keep_up()
        behind = [
            each for each, version in versions.items() if self._index.version_of(each) != version
        ]
        await self._read(behind)
        wanted = await generation.apart(looked_for, entries)
        search: Search[UUID] = Search(wanted, versions.__contains__)
        while spans := search.spans():
            found = []
            for part in parts(spans, _LOOKED_UP):
                found += await self._apart(
                    lambda part: [self._index.closest(span) for span in part], part
                )
            for questions in parts(search.questions(found), _JUDGED) or [()]:
                asked = [each.asked for each in questions]
                search.take(questions, await generation.apart(judged, entries, asked, self._config))
        return frozenset(party.application for party in search.parties.values())

    async def _compared(
        self, generation: Loaded, entries: tuple[Entry, ...], ids: Sequence[UUID]
    ) -> frozenset[UUID]:
        """The same, one application after the other: cheaper where they are few or much has changed."""
        found: set[UUID] = set()
        for part in parts(ids, _PAGE):
            applications = await self._journal.select(_THESE, list(part))
            parties = [[each.query for each in one.state.latest.subjects] for one in applications]
            said = await generation.apart(touched, entries, parties, self._config)
            found.update(
                one.id for one, is_touched in zip(applications, said, strict=True) if is_touched
            )
        return frozenset(found)

    async def _read_all(self) -> None:
        last = _FIRST
        while page := await self._journal.select(_MONITORED, last, _PAGE):
            await self._apart(self._take, page)
            last = page[-1].id
        await self._apart(self._index.settle)
        _LOG.info("parties read", parties=len(self._index))

    async def _read(self, ids: Iterable[UUID]) -> None:
        """Takes these applications in as they are now."""
        for part in parts(sorted(ids), _PAGE):
            await self._apart(self._take, await self._journal.select(_THESE, list(part)))
        await self._apart(self._index.settle)

    def _take(self, applications: Sequence[StoredStream[ScreenedApplication]]) -> None:
        for each in applications:
            if each.state.state in MONITORED:
                self._index.put(
                    each.id, each.version, [subject.query for subject in each.state.latest.subjects]
                )
            else:
                self._index.drop(each.id)

    async def _apart(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def parts(things: Sequence[T], size: int) -> list[Sequence[T]]:
    """The things in order, so many at a time."""
    return [things[start : start + size] for start in range(0, len(things), size)]
