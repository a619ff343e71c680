"""Reads pages of lists: rows by a query, and one message for each row.

A page is bounded in elements and in bytes. Its elements are summaries, which are stored beside the
rows. Whole states may be large: they are read a few at a time, and only as long as the page has
room.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from chassis.rpc.page_tokens import PageTokens, list_purpose
from chassis.store.journal import Journal
from chassis.store.list_query import MAX_COUNT, ListQuery
from chassis.store.stream import StoredStream

S = TypeVar("S")
M = TypeVar("M", bound=Message)
Row = Any

_STATES_AT_ONCE: Final = 4
"""A state has 2 MiB at most."""

Load = Callable[[Sequence[Row]], AsyncIterator[M]]
"""Yields the messages of rows, in their order."""


async def _nothing(*_states: object) -> None:
    """Prepares nothing."""


@dataclass(frozen=True, slots=True)
class ListPage(Generic[M]):
    """A page of a list, as responses have it.

    `total_size` counts the whole list, up to 10,000. `has_more_than_total` is True if it is longer.
    """

    elements: list[M]
    next_page_token: str
    total_size: int
    has_more_than_total: bool


class Lists(Generic[S]):
    """Reads the lists of one kind of stream."""

    def __init__(self, journal: Journal[S, Any], tokens: PageTokens) -> None:
        self._journal, self._tokens = journal, tokens

    async def read(self, caller: str, request: Any, query: ListQuery, load: Load[M]) -> ListPage[M]:
        """Returns the page that the request asks for. `caller` is the caller's name.

        Raises RpcError INVALID_TOKEN, STORAGE_UNAVAILABLE, and NEWER_STATE from `load`.
        """
        page = self._tokens.page(list_purpose(caller, request), request)
        found = query.page(page.after, page.limit)
        rows = await self._journal.fetch(found.text, *found.values)
        total = page.total if page.total is not None else await self._count(query, len(rows), page)
        elements: list[M] = []
        sizes: list[int] = []
        async for element in load(rows[: page.size]):
            sizes.append(element.ByteSize())
            if page.fitting(sizes) < len(sizes):
                break
            elements.append(element)
        token = ""
        if len(elements) < len(rows):
            last = rows[len(elements) - 1]
            token = page.next_token((last[query.order.column], last[query.table.key]), total)
        return ListPage(elements, token, min(total, MAX_COUNT), total > MAX_COUNT)

    def summaries(
        self, message_type: type[M], stream_id: str, view: Callable[[StoredStream[S], Row], M]
    ) -> Load[M]:
        """Returns the loader of the summaries in column `summary` of the rows.

        `stream_id` is the column with the id of the row's stream. Where an earlier release wrote
        the stream last, the summary is missing or outdated. `view` makes it from the state then.
        """

        async def load(rows: Sequence[Row]) -> AsyncIterator[M]:
            outdated = await self._journal.outdated(list({row[stream_id] for row in rows}))
            for chunk in _chunks(rows):
                missing = [
                    row[stream_id]
                    for row in chunk
                    if row["summary"] is None or row[stream_id] in outdated
                ]
                streams = await self._streams(missing)
                for row in chunk:
                    stream = streams.get(row[stream_id])
                    if stream is not None:
                        yield view(stream, row)
                    else:
                        yield message_type.FromString(row["summary"])

        return load

    def details(
        self,
        stream_id: str,
        view: Callable[[StoredStream[S], Row], M],
        prepare: Callable[..., Awaitable[None]] = _nothing,
    ) -> Load[M]:
        """Returns the loader of whole elements, made by `view` from the states of the streams.

        `prepare` gets the states of a few streams before `view` gets each of them.
        """

        async def load(rows: Sequence[Row]) -> AsyncIterator[M]:
            for chunk in _chunks(rows):
                streams = await self._streams([row[stream_id] for row in chunk])
                await prepare(*(each.state for each in streams.values()))
                for row in chunk:
                    yield view(streams[row[stream_id]], row)

        return load

    async def _streams(self, ids: Sequence[UUID]) -> dict[UUID, StoredStream[S]]:
        if not ids:
            return {}
        found = await self._journal.select("where id = any($1::uuid[])", list(set(ids)))
        return {each.id: each for each in found}

    async def _count(self, query: ListQuery, found: int, page: Any) -> int:
        """Returns the number of rows of the list, of whose first page `found` rows were read."""
        if found <= page.size:
            return found
        counted = query.count()
        (row,) = await self._journal.fetch(counted.text, *counted.values)
        return int(row["count"])


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _STATES_AT_ONCE):
        yield rows[start : start + _STATES_AT_ONCE]
