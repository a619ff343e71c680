"""Decodes the state in a row of table `stream`, by the number of its shape (`Stream.schema`).

Two releases may run side by side. A decoder of one release drops fields that it does not know, so
that writing the row back would delete them. The row therefore names its shape. Only a row with our
number is decoded. A row with a higher number is refused. A row with a lower number is folded again
from its events, which every release can read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from chassis.rpc.errors import newer_state
from chassis.store.stream import Stream, UnknownEventError

S = TypeVar("S")
E = TypeVar("E")

Fetch = Callable[..., Awaitable[list[Any]]]
"""Runs an SQL query with its values and returns the rows."""

_EVENTS: Final = (
    "select stream_id, version, name, payload from event where stream_id = any($1)"
    " order by stream_id, version"
)


class StateRows(Generic[S, E]):
    """Encodes and decodes the states of one kind of stream."""

    def __init__(self, stream: Stream[S, E]) -> None:
        self._stream, self._schema = stream, stream.schema
        self._decode = msgspec.msgpack.Decoder(stream.state_type).decode
        self.encode: Callable[[S], bytes] = msgspec.msgpack.Encoder().encode
        """Returns the bytes of a state; their number is the stream's `schema`."""

    async def state(self, stream_id: UUID, row: Any, fetch: Fetch) -> S | None:
        """Returns the state of a row with state_data, schema and version; None without a stream.

        `fetch` reads the events of a row with a lower number. Raises RpcError NEWER_STATE.
        """
        if row["state_data"] is None:
            return None
        if row["schema"] == self._schema:
            return self._decode(row["state_data"])
        (state,) = await self._fold_rows([(stream_id, row)], fetch)
        return state

    async def states(self, rows: Sequence[Any], fetch: Fetch) -> list[S]:
        """Returns the states of several rows, which have an id, in their order.

        All rows with lower numbers cost one more query together. Raises RpcError NEWER_STATE.
        """
        older = [(row["id"], row) for row in rows if row["schema"] != self._schema]
        folded = iter(await self._fold_rows(older, fetch) if older else [])
        return [
            self._decode(row["state_data"]) if row["schema"] == self._schema else next(folded)
            for row in rows
        ]

    async def _fold_rows(self, rows: Sequence[tuple[UUID, Any]], fetch: Fetch) -> list[S]:
        if any(row["schema"] > self._schema for _, row in rows):
            raise newer_state()
        versions = {stream_id: row["version"] for stream_id, row in rows}
        events = await _events_of(versions, fetch)
        states = [self.fold(events[stream_id]) for stream_id, _ in rows]
        assert None not in states, "every stream has an event"
        return states  # type: ignore[return-value]  # asserted above

    def fold(self, events: Iterable[tuple[str, bytes]]) -> S | None:
        """Returns the state that events (name, payload) fold to, None without events.

        Raises RpcError NEWER_STATE if this release does not know one of them.
        """
        state: S | None = None
        for name, payload in events:
            try:
                event = self._stream.decode_event(name, payload)
            except UnknownEventError as error:
                raise newer_state() from error
            state = self._stream.evolve(state, event)
        return state


async def events_of(
    rows: Sequence[Any], fetch: Fetch
) -> Mapping[UUID, Sequence[tuple[str, bytes]]]:
    """Returns the events (name, payload) of rows with id and version, up to the row's version."""
    return await _events_of({row["id"]: row["version"] for row in rows}, fetch)


async def _events_of(
    versions: Mapping[UUID, int], fetch: Fetch
) -> Mapping[UUID, Sequence[tuple[str, bytes]]]:
    events: dict[UUID, list[tuple[str, bytes]]] = defaultdict(list)
    for event in await fetch(_EVENTS, list(versions)):
        # An event behind the row's version was stored after the row was read.
        if event["version"] <= versions[event["stream_id"]]:
            events[event["stream_id"]].append((event["name"], event["payload"]))
    return events
