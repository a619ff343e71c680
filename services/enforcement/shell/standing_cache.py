"""The standing of every license in memory, read from the compacted topic, and the gates that follow it.

Every replica holds all of it. Compaction keeps the last record of a license, and the last one need not be the newest: a
relay that lost its shard may still have had an older one on its way. So a replica begins with what the database holds.
It knows nothing of who may follow what: that is the servicer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from opentelemetry.trace import SpanKind

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.store.outbox import SHARDS, shard_of
from chassis.streams.topic_table import Entry, TopicTableReader
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of
from services.enforcement.core.model import Standing
from services.enforcement.shell import codec, heartbeats
from services.enforcement.shell.heartbeats import Heartbeats

_LOG = structlog.get_logger("standing")
TOPIC: Final = "safeconduct.standing.v1"
PAGE: Final = 1_000
PAUSE_S: Final = 0.5
_NEWEST: Final = """
select distinct on (stream_id) stream_id, payload from event
 where name = 'StandingChanged' and stream_id > $1 order by stream_id, version desc limit $2
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A standing, its bytes for the gates (serialized once for all of them), and its place in the topic.

    `offset` is None while only the database has told it: where it stands in the topic is not known yet, if it does.
    """

    standing: Standing
    part: bytes
    partition: int
    offset: int | None


class StandingCache:
    """What this replica knows. `hear` is given every record of the topic, in order per partition."""

    def __init__(self, ticks: Heartbeats, telemetry: Telemetry) -> None:
        self.ticks = ticks
        self._tracer = telemetry.tracer
        self._known: dict[UUID, Known] = {}
        self._of_partner: dict[str, dict[UUID, Known]] = {}
        self._unreadable: set[UUID] = set()
        self._next = [0] * SHARDS
        self._followers: dict[str, set[Follower]] = {}
        self._reader: TopicTableReader | None = None

    async def read(self, bootstrap: str, journal: Journal[Any, Any]) -> None:
        """Recalls, then reads the topic until cancelled; the loss of the broker only makes the knowledge older."""
        await self.recall(journal)
        self._reader = TopicTableReader(bootstrap, TOPIC, self.hear)
        await self._reader.run()

    async def recall(self, journal: Journal[Any, Any]) -> None:
        """Takes in every license's newest standing from the database, page by page; waits for one that is away."""
        last = UUID(int=0)
        while True:
            try:
                rows = await journal.fetch(_NEWEST, last, PAGE)
            except RpcError as refusal:
                _LOG.warning("standings not recalled yet", reason=refusal.reason)
                await asyncio.sleep(PAUSE_S)
                continue
            for row in rows:
                standing, part = codec.standing_changed(row["payload"])
                self._keep(Known(standing, part, shard_of(standing.license_id), None))
            if len(rows) < PAGE:
                return
            last = rows[-1]["stream_id"]

    def find(self, license_id: UUID) -> Standing | None:
        """What is known of one license."""
        known = self._known.get(license_id)
        return known.standing if known is not None else None

    def of_partner(self, partner_id: str) -> list[Known]:
        """All licenses of a partner."""
        return list(self._of_partner.get(partner_id, {}).values())

    def since(self, partner_id: str, places: tuple[int, ...]) -> list[Known] | None:
        """The partner's licenses that changed behind these places; None when that cannot be said here.

        Places are offsets of the topic, so those of one replica mean the same on another; one that has not read so far
        yet, or reads another topic of the same name, cannot say.
        """
        if len(places) != SHARDS or any(place > self._next[n] for n, place in enumerate(places)):
            return None
        return [
            known
            for known in self.of_partner(partner_id)
            if known.offset is None or known.offset >= places[known.partition]
        ]

    @property
    def places(self) -> tuple[int, ...]:
        """Up to where each partition was read."""
        return tuple(self._next)

    def moment(self, partner_id: str) -> int | None:
        """As of when all standings of the partner are known (see `Heartbeats`); None while that is uncertain."""
        return None if self._is_doubtful(partner_id) else self.ticks.moment

    @property
    def size(self) -> int:
        """Number of licenses known."""
        return len(self._known)

    @property
    def followers(self) -> int:
        """Number of open streams."""
        return sum(len(each) for each in self._followers.values())

    def follow(self, partner_id: str) -> Follower:
        """Begins to collect what changes for a partner. End it with `leave`."""
        follower = Follower(partner_id)
        self._followers.setdefault(partner_id, set()).add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Ends what `follow` began."""
        followers = self._followers[follower.partner_id]
        followers.discard(follower)
        if not followers:
            del self._followers[follower.partner_id]

    def hear(self, entries: list[Entry]) -> None:
        """Takes in records of one partition, in order."""
        for entry in entries:
            if entry.type == "StandingChanged":
                self._hear_standing(entry)
            elif entry.type == heartbeats.NAME:
                self._hear_tick(entry)
            if entry.partition < SHARDS:
                self._next[entry.partition] = entry.offset + 1

    def wake_all(self) -> None:
        """Every follower looks whether it can be answered."""
        for followers in self._followers.values():
            for follower in followers:
                follower.wake()

    def _hear_standing(self, entry: Entry) -> None:
        try:
            standing, part = codec.standing_changed(entry.value)
        except ValueError:
            self._doubt(entry)
            return
        if standing.license_id in self._unreadable:
            self._unreadable.discard(standing.license_id)
            self.wake_all()
        known = self._known.get(standing.license_id)
        news = Known(standing, part, entry.partition, entry.offset)
        if known is not None and standing.version <= known.standing.version:
            if known.offset is None and standing.version == known.standing.version:
                self._keep(news)  # the database had told it; now its place is known
            return  # published twice by a relay that died in between
        self._keep(news)
        for follower in self._followers.get(standing.partner_id, ()):
            follower.offer(news)
        if self._reader is not None and self._reader.caught_up.is_set():
            self._trace(entry, standing)

    def _keep(self, known: Known) -> None:
        self._known[known.standing.license_id] = known
        self._of_partner.setdefault(known.standing.partner_id, {})[known.standing.license_id] = (
            known
        )

    def _hear_tick(self, entry: Entry) -> None:
        is_first = self.ticks.moment is None
        try:
            self.ticks.hear(entry.partition, entry.value)
        except ValueError:
            _LOG.error("unreadable tick", partition=entry.partition, offset=entry.offset)
        if is_first and self.ticks.moment is not None:
            self.wake_all()

    def _doubt(self, entry: Entry) -> None:
        """A standing that cannot be read may be a revocation: nothing is said any more about that partner's licenses.

        The partition goes on, and a later readable standing of the same license ends the doubt.
        """
        _LOG.error("unreadable standing", partition=entry.partition, offset=entry.offset)
        try:
            self._unreadable.add(UUID(entry.key.decode()))
        except ValueError:
            return  # about no license: no gate can be asked for it

    def _is_doubtful(self, partner_id: str) -> bool:
        return any(
            license_id in self._of_partner.get(partner_id, {}) for license_id in self._unreadable
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
                "license.id": str(standing.license_id),
            },
        )
        span.end()


class Follower:
    """What piled up for one stream: the newest standing per license, and renewals that wait for an answer."""

    def __init__(self, partner_id: str) -> None:
        self.partner_id = partner_id
        self._changes: dict[UUID, Known] = {}
        self._renewals: list[tuple[int, int]] = []
        self._woken = asyncio.Event()

    def offer(self, known: Known) -> None:
        """A standing changed; an older one that was not taken yet is forgotten."""
        self._changes.pop(known.standing.license_id, None)
        self._changes[known.standing.license_id] = known
        self.wake()

    def renew(self, sequence: int, received_at: int) -> int:
        """The gate asked how fresh the knowledge is; gives how many such questions wait."""
        self._renewals.append((sequence, received_at))
        self.wake()
        return len(self._renewals)

    def wake(self) -> None:
        """There may be something to take."""
        self._woken.set()

    async def wait(self) -> None:
        """Until somebody woke it."""
        await self._woken.wait()
        self._woken.clear()

    def take_changes(self) -> list[Known]:
        """All changes that piled up, in order per license."""
        taken, self._changes = list(self._changes.values()), {}
        return taken

    def take_renewals(self) -> Iterable[tuple[int, int]]:
        """All renewals that wait, as (sequence, when it was received)."""
        taken, self._renewals = self._renewals, []
        return taken
