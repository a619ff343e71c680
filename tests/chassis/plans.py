"""The plans that PostgreSQL chooses for the queries of lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import asyncpg

from chassis.store.list_query import Sql


async def steps_of(pool: asyncpg.Pool, query: Sql, *, avoids_sorting: bool = False) -> list[str]:
    """Returns the names of the plan's steps, with the index of those that use one.

    For a few rows the planner prefers to sort. If it avoids sorting, it still does where no index
    has the order.
    """
    text = f"explain (format json) {query.text}"
    async with pool.acquire() as connection, connection.transaction():
        if avoids_sorting:
            await connection.execute("set local enable_sort = off")
        (row,) = await connection.fetch(text, *query.values)
    (plan,) = json.loads(row["QUERY PLAN"])
    return list(_steps(plan["Plan"]))


def _steps(plan: dict[str, Any]) -> Iterator[str]:
    yield " ".join(filter(None, (plan["Node Type"], plan.get("Index Name"))))
    for child in plan.get("Plans", ()):
        yield from _steps(child)
