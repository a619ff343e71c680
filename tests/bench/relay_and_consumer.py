"""Events per CPU second of relay and consumer, with the bare client library as baseline."""

from __future__ import annotations

import asyncio
import dataclasses
import statistics

from chassis.store.migrations import migrate
from chassis.streams.topics import Topic, create
from services.applications import __main__ as service
from tests.bench.bench_stack import BenchStack
from tests.bench.child_processes import child
from tests.bench.cpu import busy
from tests.bench.result import Result

_TOPIC, _BARE = "bench.streams", "bench.bare"


async def events_per_core(stack_under_test: BenchStack) -> list[Result]:
    """Runs rounds of all four in turn; the unit is events per CPU second of the process."""
    kafka, postgres = stack_under_test.stack.kafka, stack_under_test.stack.postgres
    await create(kafka.bootstrap, [Topic(_TOPIC, 6), Topic(_BARE, 6), Topic(f"{_TOPIC}.dlq", 1)], 1)
    database = await asyncio.to_thread(
        postgres.provision, "bench_streams", "bench_streams_owner", "bench_streams_app"
    )
    await asyncio.to_thread(
        migrate, database.owner_dsn, database.app_role, service.HERE / "migrations"
    )
    rounds, count = stack_under_test.pick(5, 1), stack_under_test.pick(5_000, 200)
    given = {
        "dsn": database.app_dsn,
        "owner_dsn": database.owner_dsn,
        "bootstrap": kafka.addresses,
        "kafka_files": [
            str(file)
            for file in dataclasses.astuple(stack_under_test.stack.kafka_tls.administrator)
        ],
        "topic": _TOPIC,
        "bare_topic": _BARE,
    }
    rate: dict[str, list[float]] = {"relay": [], "produce": [], "consume": [], "fetch": []}
    async with child("relay_and_consumer_process", given) as process:
        for number in range(rounds):
            for part, found in rate.items():
                found.append(count / (await process.ask({part: count}))["cpu"])
            stack_under_test.report(
                f"round {number + 1} of {rounds}: "
                + ", ".join(f"{w} {f[-1]:.0f}/s" for w, f in rate.items())
            )
    each = {part: statistics.median(found) for part, found in rate.items()}
    how = f"1 KiB payload, {rounds} rounds of {count} events in turn, medians; {busy()}"
    return [
        Result(
            "relay: events per core",
            each["relay"],
            "1/CPU s",
            each["produce"],
            (
                "outbox to acknowledged and forgotten, with a span each; baseline: bare"
                f" aiokafka producer; {how}"
            ),
        ),
        Result(
            "consumer: events per core",
            each["consume"],
            "1/CPU s",
            each["fetch"],
            (
                "Faust in the strict pattern, a span each, a handler that does nothing;"
                f" baseline: bare aiokafka; {how}"
            ),
        ),
    ]
