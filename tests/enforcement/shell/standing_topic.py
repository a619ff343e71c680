"""A standing topic without Kafka, gates that follow it, and a database of standings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.standing import (
    CAPABILITIES,
    Clause,
    MeasureKind,
    Standing,
    StandingCause,
    StandingState,
)

from chassis.rpc.errors import unavailable
from chassis.rpc.page_tokens import PageTokens
from chassis.store.outbox import SHARDS, shard_of
from chassis.streams.topic_table import Entry
from chassis.telemetry.tracing import setup
from services.enforcement.core.events import StandingChanged
from services.enforcement.shell import codec
from services.enforcement.shell.change_messages import ChangeMessages
from services.enforcement.shell.gate_stream import GateStream
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.standing_cache import StandingCache
from services.enforcement.shell.standing_recall import StandingRecall
from tests.enforcement.core.builders import issued

STANDING = issued().known_standing
CAUSE = StandingCause(MeasureKind.REVOCATION, Clause.OVER_USE, is_list_match=False)
REVOKED = replace(STANDING, state=StandingState.REVOKED, version=2, cause=CAUSE)
TELEMETRY = setup("enforcement", "0")
TOKENS = PageTokens([b"k" * 32])


@dataclass
class Topic:
    """Outbox, relay and topic in one. Records come out in order, when the test delivers them."""

    clock: int = 0
    ends: list[int] = field(default_factory=lambda: [0] * SHARDS)
    waiting: list[tuple[int, str, bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heartbeats = Heartbeats(self, clock=lambda: self.clock)  # type: ignore[arg-type]  # has the one method that is used
        self.caches = [StandingCache(self.heartbeats, TELEMETRY)]

    @property
    def cache(self) -> StandingCache:
        return self.caches[0]

    async def add_to_outbox(self, entries: Sequence[tuple[int, str, bytes]]) -> None:
        self.waiting += [(shard, name, b"heartbeat", body) for shard, name, body in entries]

    def put(self, standing: Standing) -> None:
        name, body = codec.encode_event(StandingChanged(standing))
        self.waiting.append(
            (shard_of(UUID(standing.license_id)), name, standing.license_id.encode(), body)
        )

    def put_unreadable(self, license_id: UUID) -> None:
        self.waiting.append(
            (shard_of(license_id), "StandingChanged", str(license_id).encode(), b"\xff\xff")
        )

    def put_tombstone(self, license_id: UUID) -> None:
        self.waiting.append((shard_of(license_id), "", str(license_id).encode(), b""))

    def compact(self, standing: Standing) -> None:
        """A record that was compacted before anybody read it: only its offset remains."""
        self.ends[shard_of(UUID(standing.license_id))] += 1

    def deliver(self) -> None:
        waiting, self.waiting = self.waiting, []
        for partition, name, key, body in waiting:
            entry = Entry(partition, self.ends[partition], key, body, name, "")
            self.ends[partition] += 1
            for cache in self.caches:
                cache.consume([entry])

    def deliver_some(self, shard: int, *, is_only: bool) -> None:
        """The records of this shard only, or of all the others."""
        held = [record for record in self.waiting if (record[0] == shard) != is_only]
        self.waiting = [record for record in self.waiting if (record[0] == shard) == is_only]
        self.deliver()
        self.waiting = held

    async def heartbeat(self) -> None:
        await self.heartbeats.write()
        self.deliver()


@dataclass
class Gate:
    """The gate's end of a stream."""

    topic: Topic
    partner_id: str = "example-1"
    token: str = ""
    cache: StandingCache | None = None
    capabilities: frozenset[str] = CAPABILITIES

    def __post_init__(self) -> None:
        self.requests: asyncio.Queue[pb.WatchStandingRequest] = asyncio.Queue()
        self.stream = GateStream(
            self.cache or self.topic.cache, ChangeMessages(TOKENS), self.partner_id
        )
        self.responses = self.stream.responses(self._sent())
        self.send(
            pb.WatchStandingRequest(
                subscribe=pb.WatchStandingRequest.Subscribe(
                    resume_token=self.token, capabilities=sorted(self.capabilities)
                )
            )
        )

    async def _sent(self) -> AsyncIterator[pb.WatchStandingRequest]:
        while True:
            yield await self.requests.get()

    def send(self, request: pb.WatchStandingRequest) -> None:
        self.requests.put_nowait(request)

    async def renew(self, sequence: int) -> None:
        self.send(pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=sequence)))
        await settled()

    async def next(self) -> pb.WatchStandingResponse:
        async with asyncio.timeout(5):
            return pb.WatchStandingResponse.FromString(await anext(self.responses))

    async def changes(self) -> pb.WatchStandingResponse.StandingChanges:
        response = await self.next()
        assert response.HasField("changes")
        return response.changes

    async def lease(self) -> pb.WatchStandingResponse.Lease:
        response = await self.next()
        assert response.HasField("lease")
        return response.lease


async def settled() -> None:
    """Runs every task until it waits for something outside."""
    for _ in range(20):
        await asyncio.sleep(0)


async def sends_nothing(gate: Gate) -> bool:
    waiting = asyncio.ensure_future(gate.next())
    await settled()
    is_silent = not waiting.done()
    waiting.cancel()
    return is_silent


def versions(changes: pb.WatchStandingResponse.StandingChanges) -> list[int]:
    return [standing.version for standing in changes.standings]


@dataclass
class Stored:
    """A database: the payloads of the newest standings, page by page."""

    standings: Sequence[Standing]
    away: int = 0
    timeline: str = "00000001"
    log_position: int = 1_000
    removed: dict[UUID, int] = field(default_factory=dict)
    """The versions of the standings that were removed after their licenses ended."""

    async def fetch(self, _query: str, *values: Any) -> list[dict[str, object]]:
        if self.away:
            self.away -= 1
            raise unavailable("STORAGE_UNAVAILABLE", "away", 0.0)
        if not values:
            return [
                {
                    "system_identifier": 7,
                    "timeline": self.timeline,
                    "log_position": self.log_position,
                }
            ]
        if len(values) == 1:
            return [
                {"license_id": each, "removed_version": self.removed[each]}
                for each in values[0]
                if each in self.removed
            ]
        behind, limit = values
        page = sorted(
            (each for each in self.standings if UUID(each.license_id) > behind),
            key=lambda each: UUID(each.license_id),
        )
        return [
            {
                "stream_id": UUID(each.license_id),
                "payload": codec.encode_event(StandingChanged(each))[1],
            }
            for each in page[:limit]
        ]


def stored(*standings: Standing, away: int = 0) -> Any:
    return Stored(standings, away)


async def recall(topic: Topic, *standings: Standing) -> None:
    """Reads these standings from a database."""
    await StandingRecall(topic.cache, stored(*standings)).caught_up()
