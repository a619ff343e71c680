"""Walks every chain of every service, and says what was covered and what does not hold."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from operations.audit import published
from operations.audit.chain import Fault, Kind, faults_of
from operations.audit.published import Published
from operations.audit.store import Snapshot, Stored, latest, snapshot

Progress = Callable[[str, int, int], None]
"""Told now and then: the service (or `published`), and how many streams and events have been walked."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A fault and where it is."""

    service: str
    stream_id: UUID
    fault: Fault


@dataclass(slots=True)
class Covered:
    """What was walked of one service."""

    streams: int = 0
    events: int = 0
    waiting: int = 0
    """Events that wait in the outbox."""


@dataclass(slots=True)
class Report:
    """What the audit found. `published` and `foreign` are None when no broker was asked."""

    services: dict[str, Covered] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    published: int | None = None
    foreign: int | None = None

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.broken


async def verify(databases: Mapping[str, str], bootstrap: str, progress: Progress) -> Report:
    """The audit of all databases (DSN by service), and of what was published, if a broker is given.

    Raises what asyncpg and Kafka raise. The databases are read as they stood when it began; the topics are read later,
    so that whatever is stored and does not wait has been published by then.
    """
    report = Report()
    async with contextlib.AsyncExitStack() as undo:
        snapshots = {
            name: await undo.enter_async_context(snapshot(dsn)) for name, dsn in databases.items()
        }
        told = await _published(databases, bootstrap, report, progress) if bootstrap else None
        for name, stored in snapshots.items():
            await _walk(name, stored, told, report, progress)
    return report


async def _published(
    databases: Mapping[str, str], bootstrap: str, report: Report, progress: Progress
) -> Published:
    async with contextlib.AsyncExitStack() as undo:
        journals = {
            name: await undo.enter_async_context(latest(dsn)) for name, dsn in databases.items()
        }
        log, wanted = await undo.enter_async_context(published.log_of_facts(bootstrap))
        told = await published.compare(
            log, wanted, journals, lambda records: progress("published", 0, records)
        )
    report.published, report.foreign = told.records, told.foreign
    report.broken += [
        Broken(service, stream_id, fault) for service, stream_id, fault in told.faults
    ]
    return told


async def _walk(
    name: str, stored: Snapshot, told: Published | None, report: Report, progress: Progress
) -> None:
    covered = report.services[name] = Covered()
    pending = await stored.pending()
    covered.waiting = len(pending)
    async for stream in stored.streams():
        covered.streams += 1
        covered.events += len(stream.events)
        report.broken += [
            Broken(name, stream.id, fault) for fault in faults_of(stream.events, stream.head)
        ]
        if told is not None:
            report.broken += _unpublished(name, stream, pending, told)
        progress(name, covered.streams, covered.events)
    for stream_id, version in await stored.dangling():
        fault = Fault(Kind.OUTBOX, version, "it waits to be published, but there is no such event")
        report.broken.append(Broken(name, stream_id, fault))


def _unpublished(
    name: str, stream: Stored, pending: set[tuple[UUID, int]], told: Published
) -> list[Broken]:
    judged = (
        told.judge(name, event)
        for event in stream.events
        if (stream.id, event.version) not in pending
    )
    return [Broken(name, stream.id, fault) for fault in judged if fault is not None]
