"""The outboxes that a service's database may have."""

from __future__ import annotations

from typing import Final

import asyncpg

OUTBOXES: Final = ("outbox", "standing_outbox")
"""Every service has the first. Only enforcement has the second, for standings and heartbeats."""


async def outbox_tables(connection: asyncpg.Connection) -> list[str]:
    """Returns the names of the outboxes in this database."""
    rows = await connection.fetch(
        "select name from unnest($1::text[]) with ordinality as t(name, n)"
        " where to_regclass(name) is not null order by n",
        list(OUTBOXES),
    )
    return [row["name"] for row in rows]
