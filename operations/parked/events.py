"""Reads, retries and drops the parked events of the services, in their databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from chassis.store.parked import ParkedEvent, parked_event_of
from operations.environment import database_tls
from operations.error_messages import InputError

_CONNECT_S: Final = 10.0
_ALL: Final = "select * from parked order by source, stream_id, version"


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked event of a service."""

    service: str
    event: ParkedEvent
    parked_at: datetime
    retry_at: datetime | None

    @property
    def id(self) -> str:
        """The service and the number of the row, for instance enforcement/12."""
        return f"{self.service}/{self.event.id}"


async def read_parked(databases: Mapping[str, str], reason: str = "") -> list[Parked]:
    """Returns all parked events, by service and stream, each stream in order.

    With a reason, only the streams whose first event has it are returned.
    """
    found: list[Parked] = []
    for service, dsn in databases.items():
        async with _connected(dsn) as connection:
            rows = await connection.fetch(
                "select * from parked order by source, stream_id, version"
            )
        chosen = _streams_with(rows, reason)
        found += [
            Parked(service, parked_event_of(row), row["parked_at"], row["retry_at"])
            for row in rows
            if (row["source"], row["stream_id"]) in chosen
        ]
    return found


async def find_parked(databases: Mapping[str, str], name: str) -> Parked:
    """Returns the parked event with this id. Raises InputError NO_SUCH_EVENT."""
    service, number = _split(databases, name)
    async with _connected(databases[service]) as connection:
        row = await connection.fetchrow("select * from parked where id = $1", number)
    if row is None:
        raise InputError("NO_SUCH_EVENT", f"There is no parked event {name}.")
    return Parked(service, parked_event_of(row), row["parked_at"], row["retry_at"])


async def retry(databases: Mapping[str, str], names: list[str]) -> list[str]:
    """Lets the services try the streams of these events again, each from its first event on.

    Returns the ids of those first events. Raises InputError NO_SUCH_EVENT, and then retries none.
    """
    by_service: dict[str, list[int]] = {}
    for name in names:
        await find_parked(databases, name)
        service, number = _split(databases, name)
        by_service.setdefault(service, []).append(number)
    retried: list[str] = []
    for service, numbers in by_service.items():
        async with _connected(databases[service], writes=True) as connection:
            rows = await connection.fetch("select retry_parked($1) as id", numbers)
        retried += [f"{service}/{row['id']}" for row in rows]
    return retried


async def drop(databases: Mapping[str, str], name: str, who: str, why: str) -> None:
    """Gives up one parked event; the later ones of its stream are then tried.

    The event, the operator and the reason are kept in table `dropped`. Raises InputError
    NO_SUCH_EVENT.
    """
    service, number = _split(databases, name)
    async with _connected(databases[service], writes=True) as connection:
        if not await connection.fetch("select drop_parked($1, $2, $3)", number, who, why):
            raise InputError("NO_SUCH_EVENT", f"There is no parked event {name}.")


def _split(databases: Mapping[str, str], name: str) -> tuple[str, int]:
    service, _, number = name.partition("/")
    if service not in databases or not number.isdecimal():
        known = ", ".join(databases)
        raise InputError(
            "PARKED_EVENT",
            f"{name} is no id of a parked event. An id is SERVICE/NUMBER, for instance"
            f" enforcement/12; the configured services are {known}.",
        )
    return service, int(number)


def _streams_with(rows: list[asyncpg.Record], reason: str) -> set[tuple[str, object]]:
    """Returns the streams whose first event has the reason; all without a reason."""
    first: dict[tuple[str, object], str] = {}
    for row in rows:
        first.setdefault((row["source"], row["stream_id"]), row["reason"])
    return {stream for stream, found in first.items() if not reason or found == reason}


@asynccontextmanager
async def _connected(dsn: str, *, writes: bool = False) -> AsyncIterator[asyncpg.Connection]:
    # An operator's role reads only, unless the session asks for more.
    settings = {"default_transaction_read_only": "off" if writes else "on"}
    connection = await asyncpg.connect(
        dsn, ssl=database_tls(), timeout=_CONNECT_S, server_settings=settings
    )
    try:
        yield connection
    finally:
        await connection.close()
