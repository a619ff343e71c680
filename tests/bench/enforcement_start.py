"""Start of an enforcement replica after many licenses: seconds until ready, and its memory."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
from safeconduct.standing import Standing

from chassis.store.outbox import shard_of
from chassis.streams.relay_producer import new_producer, stop_producer
from infra.local.stack import Stack
from services.enforcement.core.events import StandingChanged
from services.enforcement.shell import codec
from services.enforcement.shell.standing_cache import TOPIC
from tests.bench.bench_stack import BenchStack
from tests.bench.cpu import busy
from tests.bench.result import Result, Target
from tests.enforcement.core.builders import issued

EVER, LIVE = 1_000_000, 100_000
"""Licenses ever issued, and those that have not ended."""
_BATCH: Final = 50_000
_READY_S: Final = 580.0
_ID: Final = "00000000-0000-0000-0000-000000000000"
_PARTNER: Final = "partner-0000"

_LICENSES: Final = """
create temp table license as
select gen_random_uuid() as id, n <= $1 as is_live, 'partner-' || lpad((n % 1000)::text, 4, '0')
       as partner from generate_series(1, $2::int) n
"""
_STREAMS: Final = """
insert into stream (id, version, state_data, latest_hash, state, traceparent, created_at,
                    updated_at)
select id, 2, '', '', 'ACTIVE', '', now(), now() from license
"""
_EVENTS: Final = """
insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                   traceparent, previous_hash, hash)
select id, v, gen_random_uuid(), (array['LicenseRegistered', 'StandingChanged'])[v], '', now(),
       'ACTIVE', case when v = 1 then ''::bytea else
         $1::bytea || convert_to(id::text, 'UTF8') || $2::bytea || convert_to(partner, 'UTF8')
         || $3::bytea end,
       '', '', uuid_send(id) || int4send(v)
  from license, generate_series(1, 2) v where is_live = $4
"""
_REMOVED: Final = """
update standing set payload = null, removed_version = 1, not_after = now() - interval '10 days'
  from license where license.id = standing.license_id and not is_live
"""


async def start_after_many_licenses(stack_under_test: BenchStack) -> list[Result]:
    """Measures a start of the process from nothing until it is ready."""
    service = stack_under_test.stack.service("enforcement")
    if service.pid is not None:
        await asyncio.to_thread(service.stop)
    ever, live = stack_under_test.pick(EVER, 2_000), stack_under_test.pick(LIVE, 200)
    await _fill(stack_under_test, ever, live)
    began = time.monotonic()
    service.start()
    await asyncio.to_thread(service.wait_ready, _READY_S)
    seconds, pid = time.monotonic() - began, service.pid
    assert pid is not None, "a service that is ready has a process"
    memory = _peak_bytes(pid) / 1e6
    await asyncio.to_thread(service.stop)
    how = (
        f"one start of a replica with its own heartbeats, {ever} licenses ever issued, {live} that"
        f" have not ended, standings of the others removed; {busy()}"
    )
    return [
        Result("start of enforcement until ready", seconds, "s", None, how, Target(20.0)),
        Result("peak memory of that start", memory, "MB", None, how, Target(400.0)),
    ]


async def _fill(stack_under_test: BenchStack, ever: int, live: int) -> None:
    """Adds licenses with their events as the owner, and their records to the topic."""
    stack, began = stack_under_test.stack, time.monotonic()
    connection = await asyncpg.connect(stack.database("enforcement").owner_dsn)
    try:
        await connection.execute("set synchronous_commit = off")
        await connection.execute(_LICENSES.replace("$1", str(live)).replace("$2", str(ever)))
        await connection.execute(_STREAMS)
        for is_live in (True, False):
            await connection.execute(_EVENTS, *_parts(is_live=is_live), is_live)
        if has_table := await connection.fetchval("select to_regclass('standing') is not null"):
            await connection.execute(_REMOVED)
        await connection.execute("analyze")
        stack_under_test.report(f"{ever} licenses stored, {time.monotonic() - began:.0f} s")
        # A release without the table leaves the records of ended licenses in the topic for ever.
        await _publish(stack, connection, is_all=not has_table)
    finally:
        await connection.close()
    stack_under_test.report(f"their standings published, {time.monotonic() - began:.0f} s")


def _parts(*, is_live: bool) -> list[bytes]:
    """Returns a StandingChanged without its license id and its partner: what is around them."""
    now = datetime.now(UTC)
    until = now + timedelta(days=300 if is_live else -10)
    standing: Standing = replace(
        issued().known_standing,
        license_id=_ID,
        partner_id=_PARTNER,
        not_before=now - timedelta(days=60),
        not_after=until,
    )
    payload = codec.encode_event(StandingChanged(standing))[1]
    return re.split(f"{_ID}|{_PARTNER}".encode(), payload)


async def _publish(stack: Stack, connection: asyncpg.Connection, *, is_all: bool) -> None:
    producer = new_producer(stack.kafka.bootstrap)
    await producer.start()
    try:
        async with connection.transaction():
            rows = connection.cursor(
                "select e.stream_id, e.payload from license l join event e on e.stream_id = l.id"
                " where e.version = 2 and (l.is_live or $1)",
                is_all,
                prefetch=_BATCH // 10,
            )
            headers = [
                ("ce_type", b"safeconduct.enforcement.v1.StandingChanged"),
                ("ce_source", b"/enforcement"),
            ]
            async for row in rows:
                await producer.send(
                    TOPIC,
                    row["payload"],
                    key=str(row["stream_id"]).encode(),
                    partition=shard_of(row["stream_id"]),
                    headers=headers,
                )
        await producer.flush()
    finally:
        await stop_producer(producer)


def _peak_bytes(pid: int) -> int:
    """Returns the peak of the resident memory of a process (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None, os.uname().sysname
    return int(found[1]) * 1024
