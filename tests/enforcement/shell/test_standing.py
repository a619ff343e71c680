"""What a replica knows and since when, and what it tells a gate: without Kafka, record by record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safeconduct.enforcement.v1 import service_pb2 as pb

from chassis.rpc.errors import RpcError, unavailable
from chassis.rpc.page_tokens import PageTokens
from chassis.store.outbox import SHARDS, shard_of
from chassis.streams.topic_table import Entry
from chassis.telemetry.tracing import setup
from services.enforcement.core.events import StandingChanged
from services.enforcement.core.model import Standing, StandingState
from services.enforcement.shell import codec, gate_stream
from services.enforcement.shell import standing_cache as standing_module
from services.enforcement.shell.gate_stream import GateStream
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.standing_cache import StandingCache
from tests.enforcement.core.builders import LICENSE, issued

STANDING = issued().known_standing
REVOKED = replace(STANDING, state=StandingState.REVOKED, version=2, reason="REVOCATION:OVER_USE")
TELEMETRY = setup("enforcement", "0")
TOKENS = PageTokens([b"k" * 32])


@dataclass
class Topic:
    """An outbox, relay and topic in one: what is put comes out in order, when the test says so."""

    clock: int = 0
    ends: list[int] = field(default_factory=lambda: [0] * SHARDS)
    waiting: list[tuple[int, str, bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticks = Heartbeats(self, clock=lambda: self.clock)  # type: ignore[arg-type]  # the one method that is used
        self.boards = [StandingCache(self.ticks, TELEMETRY)]

    @property
    def board(self) -> StandingCache:
        return self.boards[0]

    async def add_to_outbox(self, entries: Sequence[tuple[int, str, bytes]]) -> None:
        self.waiting += [(shard, name, b"tick", body) for shard, name, body in entries]

    def put(self, standing: Standing) -> None:
        name, body = codec.encode_event(StandingChanged(standing))
        self.waiting.append(
            (shard_of(standing.license_id), name, str(standing.license_id).encode(), body)
        )

    def put_unreadable(self, license_id: UUID) -> None:
        self.waiting.append(
            (shard_of(license_id), "StandingChanged", str(license_id).encode(), b"\xff\xff")
        )

    def deliver(self) -> None:
        waiting, self.waiting = self.waiting, []
        for partition, name, key, body in waiting:
            entry = Entry(partition, self.ends[partition], key, body, name, "")
            self.ends[partition] += 1
            for board in self.boards:
                board.hear([entry])

    def deliver_some(self, shard: int, *, is_only: bool) -> None:
        """The records of this shard only, or of all the others."""
        held = [record for record in self.waiting if (record[0] == shard) != is_only]
        self.waiting = [record for record in self.waiting if (record[0] == shard) == is_only]
        self.deliver()
        self.waiting = held

    async def tick(self) -> None:
        await self.ticks.write()
        self.deliver()


@dataclass
class Gate:
    """A gate's side of a stream."""

    topic: Topic
    partner_id: str = "example-1"
    token: str = ""
    board: StandingCache | None = None

    def __post_init__(self) -> None:
        self.requests: asyncio.Queue[pb.WatchStandingRequest] = asyncio.Queue()
        self.stream = GateStream(self.board or self.topic.board, TOKENS, self.partner_id)
        self.responses = self.stream.responses(self._sent())
        self.say(
            pb.WatchStandingRequest(
                subscribe=pb.WatchStandingRequest.Subscribe(resume_token=self.token)
            )
        )

    async def _sent(self) -> AsyncIterator[pb.WatchStandingRequest]:
        while True:
            yield await self.requests.get()

    def say(self, request: pb.WatchStandingRequest) -> None:
        self.requests.put_nowait(request)

    async def renew(self, sequence: int) -> None:
        self.say(pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=sequence)))
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
    """Lets every task go on as far as it can by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def nothing_to_say(gate: Gate) -> bool:
    waiting = asyncio.ensure_future(gate.next())
    await settled()
    is_silent = not waiting.done()
    waiting.cancel()
    return is_silent


def versions(changes: pb.WatchStandingResponse.StandingChanges) -> list[int]:
    return [standing.version for standing in changes.standings]


async def test_nothing_is_known_before_a_tick_came_back_on_every_partition() -> None:
    topic = Topic()
    await topic.ticks.write()
    last = topic.waiting.pop()
    topic.deliver()

    assert topic.ticks.moment is None

    topic.waiting.append(last)
    topic.deliver()
    assert topic.ticks.moment == 0


async def test_knowledge_is_as_old_as_the_beginning_of_the_newest_tick_that_came_back() -> None:
    topic = Topic(clock=1_000)
    await topic.ticks.write()
    topic.clock = 5_000
    await topic.ticks.write()
    second = topic.waiting[SHARDS:]
    del topic.waiting[SHARDS:]

    topic.clock = 9_000
    topic.deliver()
    assert topic.ticks.age_ns() == 8_000

    topic.waiting = second
    topic.deliver()
    assert topic.ticks.age_ns() == 4_000


async def test_the_tick_of_another_replica_says_nothing() -> None:
    topic, other = Topic(), Topic()
    await other.ticks.write()
    topic.waiting = other.waiting

    topic.deliver()

    assert topic.ticks.moment is None


async def test_a_tick_that_is_published_twice_takes_nothing_back() -> None:
    topic = Topic(clock=1)
    await topic.ticks.write()
    first = list(topic.waiting)
    topic.deliver()
    topic.clock = 2
    await topic.tick()

    topic.waiting = first
    topic.deliver()

    assert topic.ticks.moment == 2


def test_a_standing_of_a_lower_version_is_ignored() -> None:
    topic = Topic()
    for standing in (STANDING, REVOKED, STANDING, REVOKED):
        topic.put(standing)
    topic.deliver()

    assert topic.board.find(LICENSE) == REVOKED
    assert topic.board.size == 1


async def test_a_gate_gets_a_snapshot_of_its_partner_only() -> None:
    topic = Topic()
    topic.put(STANDING)
    topic.put(replace(STANDING, license_id=UUID(int=5), partner_id="example-2"))
    await topic.tick()

    changes = await Gate(topic).changes()

    assert [standing.license_id for standing in changes.standings] == [str(LICENSE)]
    assert changes.is_snapshot
    assert not changes.has_more


async def test_a_partner_without_licenses_gets_an_empty_snapshot() -> None:
    topic = Topic()
    await topic.tick()

    changes = await Gate(topic).changes()

    assert (list(changes.standings), changes.is_snapshot, changes.has_more) == ([], True, False)


async def test_a_snapshot_comes_in_pages_and_only_the_last_can_be_resumed() -> None:
    topic = Topic()
    for number in range(gate_stream.PAGE + 1):
        topic.put(replace(STANDING, license_id=UUID(int=number + 1)))
    await topic.tick()
    gate = Gate(topic)

    first, last = await gate.changes(), await gate.changes()

    assert (len(first.standings), first.has_more, first.resume_token) == (
        gate_stream.PAGE,
        True,
        "",
    )
    assert (len(last.standings), last.has_more, bool(last.resume_token)) == (1, False, True)


async def test_nothing_is_told_before_everything_is_known() -> None:
    topic = Topic()
    topic.put(STANDING)
    topic.deliver()
    gate = Gate(topic)
    await gate.renew(1)
    assert await nothing_to_say(gate)

    gate = Gate(topic)
    await gate.renew(1)
    waiting = asyncio.ensure_future(gate.changes())
    await settled()
    await gate.renew(1)
    await topic.tick()

    assert versions(await waiting) == [1]
    assert (await gate.lease()).sequence == 1


async def test_a_change_reaches_the_gate_that_follows() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()

    topic.put(REVOKED)
    topic.deliver()

    changes = await gate.changes()
    assert (versions(changes), changes.is_snapshot) == ([2], False)


async def test_what_changes_faster_than_it_is_taken_comes_once_as_it_is() -> None:
    topic = Topic()
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()

    topic.put(STANDING)
    topic.put(REVOKED)
    topic.deliver()

    assert versions(await gate.changes()) == [2]


async def test_a_lease_comes_behind_every_change_that_was_known() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()
    topic.clock = 700
    await gate.renew(1)
    topic.put(REVOKED)
    topic.deliver()
    await gate.renew(2)

    assert versions(await gate.changes()) == [2]
    first, second = await gate.lease(), await gate.lease()
    assert [
        (first.sequence, first.knowledge_age_ns),
        (second.sequence, second.knowledge_age_ns),
    ] == [
        (1, 700),
        (2, 700),
    ]


LICENSES = [UUID(int=number) for number in (1, 2, 3)]
SHARDS_USED = sorted({shard_of(license_id) for license_id in LICENSES})
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.sampled_from(LICENSES)),
        st.tuples(st.just("tick"), st.none()),
        st.tuples(st.just("deliver"), st.sampled_from(SHARDS_USED)),
        st.tuples(st.just("deliver all but"), st.sampled_from(SHARDS_USED)),
        st.tuples(st.just("renew"), st.none()),
    ),
    min_size=5,
    max_size=60,
)


@settings(deadline=None)
@given(happenings)
async def test_whoever_holds_a_lease_knows_all_that_was_committed_before_its_moment(
    happened: list[tuple[str, UUID | int | None]],
) -> None:
    topic = Topic()
    committed: list[tuple[int, UUID, int]] = []
    sent: dict[int, int] = {}
    leases: list[tuple[int, dict[UUID, int]]] = []
    seen: dict[UUID, int] = {}
    gate = Gate(topic)

    async def read() -> None:
        async for raw in gate.responses:
            response = pb.WatchStandingResponse.FromString(raw)
            seen.update(
                (UUID(standing.license_id), standing.version)
                for standing in response.changes.standings
            )
            if response.HasField("lease"):
                leases.append(
                    (sent[response.lease.sequence] - response.lease.knowledge_age_ns, dict(seen))
                )

    reading = asyncio.ensure_future(read())
    for what, which in happened:
        topic.clock += 10
        match what, which:
            case "commit", UUID():
                version = 1 + sum(license_id == which for _, license_id, _ in committed)
                committed.append((topic.clock, which, version))
                topic.put(replace(STANDING, license_id=which, version=version))
            case "tick", _:
                await topic.ticks.write()
            case (("deliver" | "deliver all but"), int()):
                topic.deliver_some(which, is_only=what == "deliver")
            case _:
                sent[len(sent) + 1] = topic.clock
                await gate.renew(len(sent))
        await settled()
    reading.cancel()
    await asyncio.wait({reading})

    for moment, known in leases:
        for at, license_id, version in committed:
            assert at >= moment or known.get(license_id, 0) >= version


async def test_a_renewal_received_before_the_newest_tick_began_has_knowledge_of_no_age() -> None:
    topic = Topic(clock=100)
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()
    waiting = asyncio.ensure_future(gate.next())
    gate.say(pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=1)))
    topic.clock = 200
    await topic.tick()
    lease = (await waiting).lease

    assert lease.knowledge_age_ns >= 0


async def test_a_stalled_tick_only_makes_the_knowledge_older() -> None:
    topic = Topic()
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()
    topic.clock = 60_000_000_000

    await gate.renew(1)

    assert (await gate.lease()).knowledge_age_ns == 60_000_000_000


async def test_a_token_gives_only_what_changed_since_even_on_another_replica() -> None:
    topic = Topic()
    other = StandingCache(topic.ticks, TELEMETRY)
    topic.boards.append(other)
    changing = replace(STANDING, license_id=UUID(int=9))
    topic.put(STANDING)
    topic.put(changing)
    await topic.tick()
    token = (await Gate(topic).changes()).resume_token
    topic.put(replace(changing, version=2))
    topic.deliver()

    changes = await Gate(topic, token=token, board=other).changes()

    assert ([standing.license_id for standing in changes.standings], changes.is_snapshot) == (
        [str(UUID(int=9))],
        False,
    )


@dataclass
class Stored:
    """What the database has: the newest standings' payloads, page by page."""

    standings: Sequence[Standing]
    away: int = 0

    async def fetch(self, _query: str, behind: UUID, limit: int) -> list[dict[str, object]]:
        if self.away:
            self.away -= 1
            raise unavailable("STORAGE_UNAVAILABLE", "away", 0.0)
        page = sorted(
            (each for each in self.standings if each.license_id > behind),
            key=lambda each: each.license_id,
        )
        return [
            {"stream_id": each.license_id, "payload": codec.encode_event(StandingChanged(each))[1]}
            for each in page[:limit]
        ]


def stored(*standings: Standing, away: int = 0) -> Any:
    return Stored(standings, away)


async def test_a_copy_that_came_late_and_outlived_compaction_does_not_bring_back_a_revoked_license() -> (
    None
):
    # The topic held versions 1, 2, and once more 1, from a relay that had lost its shard; compaction kept the last one.
    topic = Topic()
    await topic.board.recall(stored(REVOKED))
    topic.put(STANDING)
    await topic.tick()

    assert topic.board.find(LICENSE) == REVOKED
    assert versions(await Gate(topic).changes()) == [2]


async def test_what_only_the_database_knew_is_told_to_a_gate_that_resumes() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.tick()
    token = (await Gate(topic).changes()).resume_token
    fresh = StandingCache(topic.ticks, TELEMETRY)
    await fresh.recall(stored(REVOKED))
    for partition in range(SHARDS):
        fresh.hear([Entry(partition, topic.ends[partition] - 1, b"tick", b"", "", "")])

    changes = await Gate(topic, token=token, board=fresh).changes()

    assert (versions(changes), changes.is_snapshot) == ([2], False)


async def test_what_the_database_knew_gets_its_place_when_the_topic_tells_it() -> None:
    topic = Topic()
    await topic.board.recall(stored(STANDING))
    topic.put(STANDING)
    await topic.tick()
    token = (await Gate(topic).changes()).resume_token

    changes = await Gate(topic, token=token).changes()

    assert versions(changes) == []


async def test_every_page_is_recalled_and_an_absent_database_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standing_module, "PAGE", 2)
    monkeypatch.setattr(standing_module, "PAUSE_S", 0.0)
    topic = Topic()

    await topic.board.recall(
        stored(*(replace(STANDING, license_id=UUID(int=n)) for n in range(1, 6)), away=2)
    )

    assert topic.board.size == 5


async def test_a_token_from_further_ahead_than_this_replica_leads_to_a_snapshot() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.tick()
    token = (await Gate(topic).changes()).resume_token
    behind = Topic()
    await behind.ticks.write()
    behind.put(STANDING)
    behind.boards[0].ticks.moment = 0

    assert (await Gate(behind, token=token).changes()).is_snapshot


@pytest.mark.parametrize("spoil", [lambda token: token[:-2] + "xx", lambda _: "nonsense"])
async def test_a_token_that_is_not_ours_is_refused(spoil: Callable[[str], str]) -> None:
    topic = Topic()
    await topic.tick()
    token = (await Gate(topic).changes()).resume_token

    with pytest.raises(RpcError, match="INVALID_TOKEN"):
        await Gate(topic, token=spoil(token)).next()


async def test_the_token_of_another_partner_is_refused() -> None:
    topic = Topic()
    await topic.tick()
    token = (await Gate(topic).changes()).resume_token

    with pytest.raises(RpcError, match="INVALID_TOKEN"):
        await Gate(topic, token=token, partner_id="example-2").next()


async def test_a_renewal_before_the_subscription_is_refused() -> None:
    topic = Topic()

    async def requests() -> AsyncIterator[pb.WatchStandingRequest]:
        yield pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=1))

    with pytest.raises(RpcError, match="VALIDATION_FAILED"):
        await anext(GateStream(topic.board, TOKENS, "example-1").responses(requests()))


async def test_a_second_subscription_ends_the_stream() -> None:
    topic = Topic()
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()
    gate.say(pb.WatchStandingRequest(subscribe=pb.WatchStandingRequest.Subscribe()))

    with pytest.raises(RpcError, match="VALIDATION_FAILED"):
        await gate.next()


async def test_too_many_renewals_without_an_answer_end_the_stream() -> None:
    topic = Topic()
    gate = Gate(topic)
    waiting = asyncio.ensure_future(gate.next())
    for sequence in range(1, gate_stream.MAX_WAITING + 2):
        gate.say(pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=sequence)))

    with pytest.raises(RpcError, match="SLOW_CONSUMER"):
        await asyncio.wait_for(waiting, 5)


async def test_a_standing_that_cannot_be_read_withholds_leases_until_a_readable_one_comes() -> None:
    topic = Topic()
    topic.put(STANDING)
    other = replace(STANDING, license_id=UUID(int=7), partner_id="example-2")
    topic.put(other)
    await topic.tick()
    gate, unconcerned = Gate(topic), Gate(topic, partner_id="example-2")
    await gate.changes()
    await unconcerned.changes()

    topic.put_unreadable(LICENSE)
    await topic.tick()
    await gate.renew(1)
    await unconcerned.renew(1)
    assert (await unconcerned.lease()).sequence == 1
    assert topic.board.moment("example-1") is None

    waiting = asyncio.ensure_future(gate.next())
    await settled()
    assert not waiting.done()

    topic.put(REVOKED)
    topic.deliver()
    assert versions((await waiting).changes) == [2]
    assert (await gate.lease()).sequence == 1


async def test_records_that_are_not_understood_do_not_stop_the_partition() -> None:
    topic = Topic()
    topic.waiting = [
        (shard_of(LICENSE), "SomethingNew", b"?", b"\xff"),
        (shard_of(LICENSE), "StandingTick", b"tick", b"\xff\xff"),
        (shard_of(LICENSE), "StandingChanged", b"no id", b"\xff\xff"),
    ]
    topic.put(STANDING)
    await topic.tick()

    assert topic.board.find(LICENSE) == STANDING
    assert topic.board.moment("example-1") == 0


async def test_a_stream_that_ends_leaves_nothing_behind() -> None:
    topic = Topic()
    await topic.tick()
    gate = Gate(topic)
    await gate.changes()
    assert topic.board.followers == 1

    await gate.responses.aclose()

    assert topic.board.followers == 0
