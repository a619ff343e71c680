"""The standings of all licenses in memory, read from the compacted topic, and their subscribers.

Every replica holds every standing. Compaction keeps the last record of a license, which need not be
the newest: a relay that lost its shard may have had an older record in flight. So a replica first
loads what the database holds. Who may see which license is decided by the servicer.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from safeconduct.standing import Standing

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.store.outbox import SHARDS, shard_of
from chassis.streams.topic_table import Entry, TopicTableReader
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of
from services.enforcement.shell import heartbeats, standing_codec
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.subscriber import CachedStanding, Subscriber

_LOG = structlog.get_logger("standings")
TOPIC: Final = "safeconduct.standing.v1"
PAGE_SIZE: Final = 1_000
RETRY_S: Final = 0.5
_NEWEST_STANDINGS: Final = """
select distinct on (stream_id) stream_id, payload from event
 where name = 'StandingChanged' and stream_id > $1 order by stream_id, version desc limit $2
"""


class StandingCache:
    """All standings that this replica knows. `consume` gets every record of the topic."""

    def __init__(self, heartbeats: Heartbeats, telemetry: Telemetry) -> None:
        self.heartbeats = heartbeats
        self._tracer = telemetry.tracer
        self._standings: dict[str, CachedStanding] = {}
        self._by_partner: dict[str, dict[str, CachedStanding]] = {}
        self._unreadable: set[str] = set()
        self._next_offsets = [0] * SHARDS
        self._subscribers: dict[str, set[Subscriber]] = {}
        self._reader: TopicTableReader | None = None

    async def run(self, bootstrap: str, journal: Journal[Any, Any]) -> None:
        """Loads from the database, then reads the topic until cancelled.

        If the broker is away, the knowledge only grows older.
        """
        await self.load(journal)
        self._reader = TopicTableReader(bootstrap, TOPIC, self.consume)
        await self._reader.run()

    async def load(self, journal: Journal[Any, Any]) -> None:
        """Loads the newest standing of every license, page by page; waits for the database."""
        last = UUID(int=0)
        while True:
            try:
                rows = await journal.fetch(_NEWEST_STANDINGS, last, PAGE_SIZE)
            except RpcError as error:
                _LOG.warning("standings not loaded yet", reason=error.reason)
                await asyncio.sleep(RETRY_S)
                continue
            for row in rows:
                standing, serialized = standing_codec.decode_standing_changed(row["payload"])
                partition = shard_of(row["stream_id"])
                self._store(CachedStanding(standing, serialized, partition, None))
            if len(rows) < PAGE_SIZE:
                return
            last = rows[-1]["stream_id"]

    def find(self, license_id: UUID) -> Standing | None:
        """Returns the standing of one license, or None if the replica knows none."""
        cached = self._standings.get(str(license_id))
        return cached.standing if cached is not None else None

    def of_partner(self, partner_id: str) -> list[CachedStanding]:
        """Returns the standings of all licenses of a partner."""
        return list(self._by_partner.get(partner_id, {}).values())

    def changed_since(
        self, partner_id: str, offsets: tuple[int, ...]
    ) -> list[CachedStanding] | None:
        """Returns the partner's standings at or behind these offsets of the topic's partitions.

        Offsets mean the same on every replica. Returns None if this replica has not read that far,
        or if the offsets belong to another topic of the same name; then a snapshot is needed.
        """
        if len(offsets) != SHARDS or any(
            offset > self._next_offsets[partition] for partition, offset in enumerate(offsets)
        ):
            return None
        return [
            cached
            for cached in self.of_partner(partner_id)
            if cached.offset is None or cached.offset >= offsets[cached.partition]
        ]

    @property
    def offsets(self) -> tuple[int, ...]:
        """The next offset to read of each partition."""
        return tuple(self._next_offsets)

    def known_as_of(self, partner_id: str) -> int | None:
        """Returns the time up to which all standings of the partner are known (see `Heartbeats`).

        None before the first heartbeat returned, and while a record about a license of the partner
        cannot be read.
        """
        return None if self._has_unreadable(partner_id) else self.heartbeats.known_as_of

    @property
    def license_count(self) -> int:
        """Number of licenses known."""
        return len(self._standings)

    @property
    def subscriber_count(self) -> int:
        """Number of open streams."""
        return sum(len(each) for each in self._subscribers.values())

    def subscribe(self, partner_id: str) -> Subscriber:
        """Returns a subscriber that collects the changes of a partner until `unsubscribe`."""
        subscriber = Subscriber(partner_id)
        self._subscribers.setdefault(partner_id, set()).add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Removes the subscriber."""
        subscribers = self._subscribers[subscriber.partner_id]
        subscribers.discard(subscriber)
        if not subscribers:
            del self._subscribers[subscriber.partner_id]

    def consume(self, entries: list[Entry]) -> None:
        """Applies records of one partition, in order. Records of unknown type are skipped."""
        for entry in entries:
            if entry.type == "StandingChanged":
                self._apply_standing(entry)
            elif entry.type == heartbeats.NAME:
                self._apply_heartbeat(entry)
            if entry.partition < SHARDS:
                self._next_offsets[entry.partition] = entry.offset + 1

    def _apply_standing(self, entry: Entry) -> None:
        try:
            standing, serialized = standing_codec.decode_standing_changed(entry.value)
        except ValueError:
            self._note_unreadable(entry)
            return
        if standing.license_id in self._unreadable:
            self._unreadable.discard(standing.license_id)
            self._wake_all()
        known = self._standings.get(standing.license_id)
        read = CachedStanding(standing, serialized, entry.partition, entry.offset)
        if known is not None and standing.version <= known.standing.version:
            if known.offset is None and standing.version == known.standing.version:
                self._store(read)  # loaded from the database before; now its offset is known
            return  # published twice by a relay that stopped in between
        self._store(read)
        for subscriber in self._subscribers.get(standing.partner_id, ()):
            subscriber.add_change(read)
        if self._reader is not None and self._reader.caught_up.is_set():
            self._trace(entry, standing)

    def _store(self, cached: CachedStanding) -> None:
        standing = cached.standing
        self._standings[standing.license_id] = cached
        self._by_partner.setdefault(standing.partner_id, {})[standing.license_id] = cached

    def _apply_heartbeat(self, entry: Entry) -> None:
        was_unknown = self.heartbeats.known_as_of is None
        try:
            self.heartbeats.record_read(entry.partition, entry.value)
        except ValueError:
            _LOG.error("unreadable heartbeat", partition=entry.partition, offset=entry.offset)
        if was_unknown and self.heartbeats.known_as_of is not None:
            self._wake_all()

    def _wake_all(self) -> None:
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.wake()

    def _note_unreadable(self, entry: Entry) -> None:
        """Withholds leases from the license's partner until a readable standing of it comes.

        An unreadable record may be a revocation. The partition goes on: other partners' gates must
        not be denied because of it.
        """
        _LOG.error("unreadable standing", partition=entry.partition, offset=entry.offset)
        try:
            self._unreadable.add(str(UUID(entry.key.decode())))
        except ValueError:
            return  # the key names no license, so no gate can ask about it

    def _has_unreadable(self, partner_id: str) -> bool:
        return any(
            license_id in self._by_partner.get(partner_id, {}) for license_id in self._unreadable
        )

    def _trace(self, entry: Entry, standing: Standing) -> None:
        span = self._tracer.start_span(
            f"process {TOPIC}",
            context=context_of(entry.traceparent),
            kind=SpanKind.CONSUMER,
            attributes={
                semconv.MESSAGING_SYSTEM: "kafka",
                semconv.MESSAGING_OPERATION_NAME: "process",
                semconv.MESSAGING_OPERATION_TYPE: "process",
                semconv.MESSAGING_DESTINATION: TOPIC,
                semconv.MESSAGING_PARTITION: str(entry.partition),
                semconv.MESSAGING_OFFSET: entry.offset,
                semconv.EVENT_NAME: entry.type,
                "license.id": standing.license_id,
            },
        )
        span.end()
