"""Verifies the audit log: every hash chain of every service, and the published events."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from chassis.transport.brokers import Bootstrap
from operations.audit import published
from operations.audit.chain_faults import LEGEND, Fault, Kind, find_faults
from operations.audit.checkpoint import Checkpoint, Head
from operations.audit.checkpoint import write as write_checkpoint
from operations.audit.journal_reader import (
    AuditedStream,
    SnapshotReader,
    open_live,
    open_snapshot,
)
from operations.audit.published import PublishedEvents
from operations.audit.texts import TextFault, TextKind, changed_texts, missing_texts, named_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HEADS_PER_QUERY: Final = 1000
Progress = Callable[[str, int, int], None]
"""Called often: the service (or `published`), streams and events verified so far."""


@dataclass(frozen=True, slots=True)
class StreamFault:
    """A fault, its service and its stream."""

    service: str
    stream_id: UUID
    fault: Fault


@dataclass(slots=True)
class ServiceCounts:
    """The number of verified streams and events of one service."""

    streams: int = 0
    events: int = 0
    in_outbox: int = 0
    """Events in the outbox, which are not yet published."""


@dataclass(slots=True)
class Report:
    """The result. `published` and `unrecognized` are None if no broker was given."""

    services: dict[str, ServiceCounts] = field(default_factory=dict)
    faults: list[StreamFault] = field(default_factory=list)
    published: int | None = None
    """Number of published events that were compared."""
    unrecognized: int | None = None
    """Number of records that no service wrote. They are not judged."""
    checkpointed: dict[str, int] | None = None
    """Number of chains by service that were compared with the checkpoint; None without one."""
    texts: int = 0
    """Number of kept texts that were compared with their digests."""
    text_faults: list[TextFault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return not self.faults and not self.text_faults


async def verify(
    databases: Mapping[str, str],
    bootstrap: Bootstrap,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
) -> Report:
    """Verifies all databases (DSN by service) and, if brokers are given, the published events.

    With a checkpoint, every chain that it has must continue from its head there. Services of the
    checkpoint whose databases are not given are left out.

    Raises asyncpg's errors and KafkaError. The snapshots of the databases are taken first and the
    topics are read afterwards: an event of a snapshot that is not in its outbox has been published
    by then.
    """
    report = Report()
    async with contextlib.AsyncExitStack() as stack:
        snapshots = {
            name: await stack.enter_async_context(open_snapshot(dsn))
            for name, dsn in databases.items()
        }
        events = await _compare(databases, bootstrap, report, progress) if bootstrap else None
        for name, snapshot in snapshots.items():
            await _verify_service(name, snapshot, events, report, progress)
        if checkpoint is not None:
            report.checkpointed = dict.fromkeys(snapshots.keys() & checkpoint.streams.keys(), 0)
            await _compare_heads(checkpoint, snapshots, report)
    return report


async def _compare_heads(
    checkpoint: Checkpoint, snapshots: Mapping[str, SnapshotReader], report: Report
) -> None:
    assert report.checkpointed is not None, "set by the caller"
    for service, found in itertools.groupby(checkpoint.heads(), key=lambda head: head.service):
        if service not in snapshots:
            continue
        while heads := list(itertools.islice(found, HEADS_PER_QUERY)):
            hashes = await snapshots[service].hashes(
                [(each.stream_id, each.version) for each in heads]
            )
            report.checkpointed[service] += len(heads)
            report.faults += [
                StreamFault(
                    service,
                    each.stream_id,
                    Fault(Kind.FORKED, each.version, LEGEND[Kind.FORKED]),
                )
                for each in heads
                if hashes.get(each.stream_id) != each.hash
            ]


async def take_checkpoint(
    databases: Mapping[str, str], out: Path, key: Ed25519PrivateKey, now: datetime
) -> Mapping[str, int]:
    """Writes the heads of all chains into a new file; returns the number of streams by service.

    Raises InputError and asyncpg's errors. Chains are not verified: run `verify` before.
    """

    async def heads() -> AsyncIterator[Head]:
        for name, dsn in sorted(databases.items()):
            async with open_snapshot(dsn) as snapshot:
                async for head in snapshot.heads(name):
                    yield head

    return await write_checkpoint(heads(), out, key, now)


async def _compare(
    databases: Mapping[str, str], bootstrap: Bootstrap, report: Report, progress: Progress
) -> PublishedEvents:
    async with contextlib.AsyncExitStack() as stack:
        journals = {
            name: await stack.enter_async_context(open_live(dsn)) for name, dsn in databases.items()
        }
        reader, topics = await stack.enter_async_context(published.open_event_topics(bootstrap))
        events = await published.compare(
            reader, topics, journals, lambda records: progress("published", 0, records)
        )
    report.published, report.unrecognized = events.records, events.unrecognized
    report.faults += [StreamFault(*each) for each in events.faults]
    return events


async def _verify_service(
    name: str,
    snapshot: SnapshotReader,
    events: PublishedEvents | None,
    report: Report,
    progress: Progress,
) -> None:
    counts = report.services[name] = ServiceCounts()
    outbox = await snapshot.outbox()
    counts.in_outbox = len(outbox)
    named: set[tuple[TextKind, bytes]] = set()
    async for stream in snapshot.streams():
        counts.streams += 1
        counts.events += len(stream.events)
        faults = [*find_faults(stream.events, stream.state_row)]
        if events is not None:
            faults += _unpublished(name, stream, outbox, events)
        report.faults += [StreamFault(name, stream.id, fault) for fault in faults]
        named.update(*(named_by(each.name, each.payload) for each in stream.events))
        progress(name, counts.streams, counts.events)
    texts = await snapshot.texts()
    report.texts += len(texts)
    report.text_faults += [*changed_texts(texts), *missing_texts(texts, named)]
    for stream_id, version in await snapshot.dangling_outbox():
        fault = Fault(Kind.OUTBOX, version, LEGEND[Kind.OUTBOX])
        report.faults.append(StreamFault(name, stream_id, fault))


def _unpublished(
    name: str, stream: AuditedStream, outbox: set[tuple[UUID, int]], events: PublishedEvents
) -> list[Fault]:
    found = (
        events.unpublished_fault(name, event)
        for event in stream.events
        if (stream.id, event.version) not in outbox
    )
    return [fault for fault in found if fault is not None]
