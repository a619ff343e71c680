"""The standings of all licenses in memory, read from the compacted topic, and their subscribers.

Every replica holds every standing. Compaction keeps the last record of a license, which need not be
the newest: a relay that lost its shard may have had an older record in flight. So a replica recalls
the newest standings from the database (`standing_recall`), and again if the topic has a hole: an
offset that it did not read and that no recall covers. The servicer decides which licenses a caller
may see.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind
from safeconduct.standing import Standing

from chassis.store.outbox import SHARDS, shard_of
from chassis.streams.topic_table import Entry
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of
from services.enforcement.shell import heartbeats, standing_codec
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.subscriber import CachedStanding, Subscriber

_LOG = structlog.get_logger("standings")
TOPIC: Final = "safeconduct.standing.v1"


@dataclass(frozen=True, slots=True)
class RecallStart:
    """The knowledge of the cache when a recall began."""

    versions: Mapping[str, int]
    covered: tuple[int, ...]
    """Records of the topic below these offsets were published before the recall began, or read."""
    hole_count: int


class StandingCache:
    """All standings that this replica knows. `consume` gets every record of the topic."""

    def __init__(self, heartbeats: Heartbeats, telemetry: Telemetry) -> None:
        self.heartbeats = heartbeats
        self._tracer = telemetry.tracer
        self._standings: dict[str, CachedStanding] = {}
        self._by_partner: dict[str, dict[str, CachedStanding]] = {}
        self._unreadable: set[str] = set()
        self._next_offsets = [0] * SHARDS
        self._covered = [0] * SHARDS
        self._hole_count = 0
        self._subscribers: dict[str, set[Subscriber]] = {}
        self.withheld: str | None = None
        """Why no lease is given to anyone; None if leases are given."""
        self.hole_found = asyncio.Event()
        """Set while the topic has a hole; a recall clears it."""
        self.is_traced = False
        """Whether records get a span: once the records that were there at the start are read."""
        self.topic_name = ""
        """Changes if the topic or its database is another one; part of each resume token."""

    def forget_offsets(self) -> None:
        """Forgets all offsets, because the topic is another one than before."""
        self._next_offsets, self._covered = [0] * SHARDS, [0] * SHARDS
        for cached in list(self._standings.values()):
            self._store(replace(cached, offset=None))

    def begin_recall(self, ends: Mapping[int, int] | None = None) -> RecallStart:
        """Notes what is known before the database is read.

        `ends`: the ends of the topic's partitions, if reading is about to begin there.
        """
        covered = tuple(
            max(offset, (ends or {}).get(partition, 0))
            for partition, offset in enumerate(self._next_offsets)
        )
        versions = {each: cached.version for each, cached in self._standings.items()}
        return RecallStart(versions, covered, self._hole_count)

    def recall(self, stream_id: UUID, payload: bytes) -> int | None:
        """Applies the newest standing of a license in the database, and returns its version.

        Returns None if it cannot be read; then its partner gets no lease.
        """
        same = self._find_same(str(stream_id), payload)
        if same is not None:
            return same.version
        try:
            standing, serialized = standing_codec.decode_standing_changed(payload)
        except ValueError:
            _LOG.exception("unreadable standing in the database", license_id=str(stream_id))
            self._unreadable.add(str(stream_id))
            return None
        known = self._standings.get(standing.license_id)
        if known is None or standing.version > known.version:
            self._apply(_cached(standing, serialized, shard_of(stream_id), None))
        return standing.version

    def remove(self, license_id: str, version: int | None = None) -> None:
        """Forgets the standing of a license that has ended, unless it is newer than `version`.

        From then on the license is unknown, which denies. Gates keep what they know: it has ended.
        """
        known = self._standings.get(license_id)
        if known is None or (version is not None and known.version > version):
            return
        partner_id = known.partner_id
        del self._standings[license_id], self._by_partner[partner_id][license_id]
        if not self._by_partner[partner_id]:
            del self._by_partner[partner_id]
        self._note_readable(license_id)

    def end_recall(self, begun: RecallStart) -> None:
        """Closes the holes that were known when the recall began."""
        self._covered = [max(pair) for pair in zip(self._covered, begun.covered, strict=True)]
        if begun.hole_count == self._hole_count:
            self.hole_found.clear()
        self._wake_all()

    def withhold(self, reason: str | None) -> None:
        """Gives no lease for this reason, or gives leases again (None)."""
        if reason != self.withheld:
            _LOG.warning("leases", withheld_because=reason)
        self.withheld = reason
        self._wake_all()

    def find(self, license_id: UUID) -> Standing | None:
        """Returns the standing of one license, or None if the replica knows none."""
        cached = self._standings.get(str(license_id))
        return standing_codec.decode_serialized(cached.serialized) if cached is not None else None

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

        None before the first heartbeat returned, while leases are withheld or the topic has a hole,
        and while a record about a license of the partner cannot be read.
        """
        if self.withheld is not None or self.hole_found.is_set():
            return None
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
        # Step of the model: ReadRecord
        for entry in entries:
            self._note_hole(entry)
            if not entry.value:
                self.remove(entry.key.decode(errors="replace"))  # a tombstone
            elif entry.type == "StandingChanged":
                self._apply_standing(entry)
            elif entry.type == heartbeats.NAME:
                self._apply_heartbeat(entry)
            if entry.partition < SHARDS:
                self._next_offsets[entry.partition] = entry.offset + 1

    def _note_hole(self, entry: Entry) -> None:
        """Notes offsets that were compacted before they were read, and that no recall covers."""
        if entry.partition >= SHARDS:
            return
        known = max(self._next_offsets[entry.partition], self._covered[entry.partition])
        if entry.offset > known:
            _LOG.warning(
                "hole in the topic", partition=entry.partition, begin=known, end=entry.offset
            )
            self._hole_count += 1
            self.hole_found.set()

    def _apply_standing(self, entry: Entry) -> None:
        same = self._find_same(entry.key.decode(errors="replace"), entry.value)
        if same is not None:
            self._note_readable(same.license_id)
            if same.offset is None:
                self._store(replace(same, offset=entry.offset))  # loaded from the database before
            return
        try:
            standing, serialized = standing_codec.decode_standing_changed(entry.value)
        except ValueError:
            self._note_unreadable(entry)
            return
        known = self._standings.get(standing.license_id)
        read = _cached(standing, serialized, entry.partition, entry.offset)
        self._note_readable(standing.license_id)
        if known is not None and standing.version <= known.version:
            if known.offset is None and standing.version == known.version:
                self._store(read)  # loaded from the database before; now its offset is known
            return  # published twice by a relay that stopped in between
        self._apply(read)
        if self.is_traced:
            self._trace(entry, standing)

    def _apply(self, cached: CachedStanding) -> None:
        """Stores a newer standing and tells the subscribers."""
        self._note_readable(cached.license_id)
        self._store(cached)
        for subscriber in self._subscribers.get(cached.partner_id, ()):
            subscriber.add_change(cached)

    def _note_readable(self, license_id: str) -> None:
        if license_id in self._unreadable:
            self._unreadable.discard(license_id)
            self._wake_all()

    def _store(self, cached: CachedStanding) -> None:
        self._standings[cached.license_id] = cached
        self._by_partner.setdefault(cached.partner_id, {})[cached.license_id] = cached

    def _find_same(self, license_id: str, payload: bytes) -> CachedStanding | None:
        """Returns the standing that is known by just these bytes, which need no decoding then.

        At a start each standing comes three times. StandingChanged and the changes that gates get
        have the standing in the same field, so that their bytes are equal.
        """
        known = self._standings.get(license_id)
        return known if known is not None and known.serialized == payload else None

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


def _cached(
    standing: Standing, serialized: bytes, partition: int, offset: int | None
) -> CachedStanding:
    partner_id = sys.intern(standing.partner_id)  # one text for all licenses of a partner
    return CachedStanding(
        standing.license_id, partner_id, standing.version, serialized, partition, offset
    )
