"""CPU per decision with few and with many stored applications: two databases, in turn."""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
import time
from contextlib import AsyncExitStack
from typing import Final

import asyncpg

from chassis.store.migrations import migrate
from chassis.streams.topics import Topic, create
from infra.local.postgres import Database
from services.applications import __main__ as service
from tests.bench.bench_stack import HOSPITAL, BenchStack
from tests.bench.child_processes import Child, child
from tests.bench.cpu import busy, spent_by
from tests.bench.result import Result, Target

FEW, MANY = 10_000, 500_000
TEMPLATES: Final = 40
"""Applications that the service decided; all others are copies of their rows with new ids."""
BATCH: Final = 25_000

# The columns are read from the database, so that the copies follow later migrations.
_COLUMNS: Final = """
select column_name from information_schema.columns
 where table_schema = 'public' and table_name = $1 and is_identity = 'NO'
   and column_name <> all ($2::text[])
 order by ordinal_position
                  """


async def cost_with_many_stored(stack_under_test: BenchStack) -> list[Result]:
    """Measures CPU of process and PostgreSQL per decision, medians of rounds in turn."""
    topic = "bench.stored"
    await create(stack_under_test.stack.kafka.bootstrap, [Topic(topic, 6)], 1)
    few, many = stack_under_test.pick(FEW, 200), stack_under_test.pick(MANY, 1_000)
    rounds, count = stack_under_test.pick(9, 1), stack_under_test.pick(250, 10)
    async with AsyncExitStack() as exit_stack:
        deciders: dict[int, Child] = {}
        for stored in (few, many):
            database = await asyncio.to_thread(
                _new_database, stack_under_test, f"bench_stored_{stored}"
            )
            given = {
                "dsn": database.app_dsn,
                "bootstrap": stack_under_test.stack.kafka.addresses,
                "kafka_files": [
                    str(file)
                    for file in dataclasses.astuple(stack_under_test.stack.kafka_tls.administrator)
                ],
                "topic": topic,
                "application": str(stack_under_test.example_files / f"{HOSPITAL}.yaml"),
            }
            stack_under_test.examples  # noqa: B018 - reading them creates the signatory's key that the files name
            deciders[stored] = await exit_stack.enter_async_context(
                child("decision_process", given)
            )
            await deciders[stored].ask({"run": TEMPLATES})
            await _fill(stack_under_test, database, stored)
        found: dict[int, list[float]] = {few: [], many: []}
        parts: dict[int, list[tuple[float, float]]] = {few: [], many: []}
        for number in range(rounds + 1):
            for stored in (few, many) if number % 2 else (many, few):
                with spent_by({"postgres": lambda: stack_under_test.stack.postgres.pid}) as spent:
                    answer = await deciders[stored].ask({"run": count})
                if number:  # the first round fills the caches
                    parts[stored].append(
                        (answer["cpu"] / count * 1e3, spent["postgres"] / count * 1e3)
                    )
                    found[stored].append(sum(parts[stored][-1]))
    figures = "; ".join(
        f"{stored} stored: process {statistics.median(p for p, _ in each):.2f}, "
        f"PostgreSQL {statistics.median(s for _, s in each):.2f} ms"
        for stored, each in parts.items()
    )
    how = (
        "submission and conclusion through the journal, with relay, change"
        " feed and timers running; "
        f"{rounds} rounds of {count} decisions in turn, medians; {figures}; {busy()}"
    )
    base = statistics.median(found[few])
    return [
        Result(f"CPU per decision, {few} stored", base, "ms", None, how),
        Result(
            f"CPU per decision, {many} stored",
            statistics.median(found[many]),
            "ms",
            base,
            f"baseline: {few} stored; {how}",
            Target(1.15, of_ratio=True),
        ),
    ]


def _new_database(stack_under_test: BenchStack, name: str) -> Database:
    database = stack_under_test.stack.postgres.provision(name, f"{name}_owner", f"{name}_app")
    migrate(database.owner_dsn, database.app_role, service.HERE / "migrations")
    return database


async def _fill(stack_under_test: BenchStack, database: Database, stored: int) -> None:
    """Copies rows as the owner until the number of stored applications is reached."""
    began = time.monotonic()
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        await connection.execute("set synchronous_commit = off")
        await connection.execute(
            "create temp table template as select id, row_number() over (order by"
            " id) - 1 as n from stream"
        )
        have = await connection.fetchval("select count(*) from template")
        streams, events, idempotency = [
            await _copying(connection, table) for table in ("stream", "event", "idempotency")
        ]
        for start in range(have, stored, BATCH):
            more = min(BATCH, stored - start)
            await connection.execute("drop table if exists copy")
            # Integers of this module: nothing to quote.
            await connection.execute(
                "create temp table copy as select gen_random_uuid() as id, t.id as of"
                f" from generate_series(1, {more}) g join template t on t.n = g % {have}"
            )
            for statement in (streams, events, idempotency):
                await connection.execute(statement)
            if start // BATCH % 5 == 4:
                stack_under_test.report(
                    f"{start + more} of {stored} applications stored,"
                    f" {time.monotonic() - began:.0f} s"
                )
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
    superuser = await asyncpg.connect(stack_under_test.stack.postgres.dsn())
    await superuser.execute("checkpoint")
    await superuser.close()
    stack_under_test.report(f"{stored} applications stored after {time.monotonic() - began:.0f} s")


async def _copying(connection: asyncpg.Connection, table: str) -> str:
    """Returns the statement that copies one table's rows of every stream in `copy`."""
    new = {"stream": ["id"], "event": ["stream_id", "event_id", "xid"], "idempotency": ["id"]}[
        table
    ]
    names = ", ".join(row["column_name"] for row in await connection.fetch(_COLUMNS, table, new))
    source = ", ".join(f"o.{name}" for name in names.split(", "))
    if table == "stream":
        return (
            f"insert into stream (id, {names}) select c.id, {source} from copy c join"
            " stream o on o.id = c.of"
        )
    if table == "event":
        return (
            f"insert into event (stream_id, event_id, {names}) select c.id,"
            f" gen_random_uuid(), {source}"
            " from copy c join event o on o.stream_id = c.of"
        )
    # Two idempotency keys for each application: the submission's and the screening's.
    return (
        f"insert into idempotency (id, {names}) select gen_random_uuid(), {source} from copy c"
        " cross join (select * from idempotency limit 2) o"
    )
