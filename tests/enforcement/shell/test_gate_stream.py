"""The stream to a gate: snapshot, changes, leases and tokens, without Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.standing import CAPABILITIES

from chassis.rpc.errors import RpcError
from chassis.store.outbox import SHARDS, shard_of
from chassis.streams.topic_table import Entry
from services.enforcement.shell import gate_stream
from services.enforcement.shell.change_messages import PAGE_SIZE, ChangeMessages
from services.enforcement.shell.gate_stream import GateStream
from services.enforcement.shell.standing_cache import StandingCache
from services.enforcement.shell.standing_recall import StandingRecall
from tests.enforcement.core.builders import LICENSE
from tests.enforcement.shell.standing_topic import (
    REVOKED,
    STANDING,
    TELEMETRY,
    TOKENS,
    Gate,
    Topic,
    recall,
    sends_nothing,
    settled,
    stored,
    versions,
)


async def test_a_gate_gets_a_snapshot_of_its_partner_only() -> None:
    topic = Topic()
    topic.put(STANDING)
    topic.put(replace(STANDING, license_id=str(UUID(int=5)), partner_id="example-2"))
    await topic.heartbeat()

    changes = await Gate(topic).changes()

    assert [standing.license_id for standing in changes.standings] == [str(LICENSE)]
    assert changes.is_snapshot
    assert not changes.has_more


async def test_a_partner_without_licenses_gets_an_empty_snapshot() -> None:
    topic = Topic()
    await topic.heartbeat()

    changes = await Gate(topic).changes()

    assert (list(changes.standings), changes.is_snapshot, changes.has_more) == ([], True, False)


async def test_a_snapshot_comes_in_pages_and_only_the_last_can_be_resumed() -> None:
    topic = Topic()
    for number in range(PAGE_SIZE + 1):
        topic.put(replace(STANDING, license_id=str(UUID(int=number + 1))))
    await topic.heartbeat()
    gate = Gate(topic)

    first, last = await gate.changes(), await gate.changes()

    assert (len(first.standings), first.has_more, first.resume_token) == (
        PAGE_SIZE,
        True,
        "",
    )
    assert (len(last.standings), last.has_more, bool(last.resume_token)) == (1, False, True)


async def test_nothing_is_sent_before_everything_is_known() -> None:
    topic = Topic()
    topic.put(STANDING)
    topic.deliver()
    gate = Gate(topic)
    await gate.renew(1)
    assert await sends_nothing(gate)

    gate = Gate(topic)
    await gate.renew(1)
    waiting = asyncio.ensure_future(gate.changes())
    await settled()
    await gate.renew(1)
    await topic.heartbeat()

    assert versions(await waiting) == [1]
    assert (await gate.lease()).sequence == 1


async def test_a_change_reaches_the_gate_that_follows() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()

    topic.put(REVOKED)
    topic.deliver()

    changes = await gate.changes()
    assert (versions(changes), changes.is_snapshot) == ([2], False)


async def test_changes_faster_than_the_gate_reads_are_sent_once_as_the_newest() -> None:
    topic = Topic()
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()

    topic.put(STANDING)
    topic.put(REVOKED)
    topic.deliver()

    assert versions(await gate.changes()) == [2]


async def test_a_lease_follows_every_change_that_was_known() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
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
histories = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.sampled_from(LICENSES)),
        st.tuples(st.just("heartbeat"), st.none()),
        st.tuples(st.just("deliver"), st.sampled_from(SHARDS_USED)),
        st.tuples(st.just("deliver all but"), st.sampled_from(SHARDS_USED)),
        st.tuples(st.just("renew"), st.none()),
    ),
    min_size=5,
    max_size=60,
)


@settings(deadline=None)
@given(histories)
async def test_a_gate_with_a_lease_knows_everything_committed_before_its_time(
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
                topic.put(replace(STANDING, license_id=str(which), version=version))
            case "heartbeat", _:
                await topic.heartbeats.write()
            case (("deliver" | "deliver all but"), int()):
                topic.deliver_some(which, is_only=what == "deliver")
            case _:
                sent[len(sent) + 1] = topic.clock
                await gate.renew(len(sent))
        await settled()
    reading.cancel()
    await asyncio.wait({reading})

    for known_as_of, known in leases:
        for at, license_id, version in committed:
            assert at >= known_as_of or known.get(license_id, 0) >= version


async def test_a_renewal_received_before_the_newest_heartbeat_has_an_age_of_zero() -> None:
    topic = Topic(clock=100)
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()
    waiting = asyncio.ensure_future(gate.next())
    gate.send(pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=1)))
    topic.clock = 200
    await topic.heartbeat()
    lease = (await waiting).lease

    assert lease.knowledge_age_ns >= 0


async def test_a_stalled_heartbeat_only_makes_the_knowledge_older() -> None:
    topic = Topic()
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()
    topic.clock = 60_000_000_000

    await gate.renew(1)

    assert (await gate.lease()).knowledge_age_ns == 60_000_000_000


async def test_a_token_gives_only_the_changes_since_even_on_another_replica() -> None:
    topic = Topic()
    other = StandingCache(topic.heartbeats, TELEMETRY)
    topic.caches.append(other)
    changing = replace(STANDING, license_id=str(UUID(int=9)))
    topic.put(STANDING)
    topic.put(changing)
    await topic.heartbeat()
    token = (await Gate(topic).changes()).resume_token
    topic.put(replace(changing, version=2))
    topic.deliver()

    changes = await Gate(topic, token=token, cache=other).changes()

    assert ([standing.license_id for standing in changes.standings], changes.is_snapshot) == (
        [str(UUID(int=9))],
        False,
    )


async def test_a_late_copy_that_outlived_compaction_does_not_reactivate_a_revoked_license() -> None:
    # The topic held versions 1, 2, and again 1 of a relay that had lost its shard. Compaction kept
    # the last record.
    topic = Topic()
    await recall(topic, REVOKED)
    topic.put(STANDING)
    await topic.heartbeat()

    assert topic.cache.find(LICENSE) == REVOKED
    assert versions(await Gate(topic).changes()) == [2]


async def test_a_standing_known_only_from_the_database_is_sent_to_a_gate_that_resumes() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    token = (await Gate(topic).changes()).resume_token
    fresh = StandingCache(topic.heartbeats, TELEMETRY)
    await StandingRecall(fresh, stored(REVOKED)).caught_up()
    ends = {partition: topic.ends[partition] - 1 for partition in range(SHARDS)}
    fresh.end_recall(fresh.begin_recall(ends))
    for partition in range(SHARDS):
        fresh.consume([Entry(partition, topic.ends[partition] - 1, b"heartbeat", b"", "", "")])

    changes = await Gate(topic, token=token, cache=fresh).changes()

    assert (versions(changes), changes.is_snapshot) == ([2], False)


async def test_a_standing_from_the_database_gets_its_offset_when_the_topic_has_it() -> None:
    topic = Topic()
    await recall(topic, STANDING)
    topic.put(STANDING)
    await topic.heartbeat()
    token = (await Gate(topic).changes()).resume_token

    changes = await Gate(topic, token=token).changes()

    assert versions(changes) == []


async def test_a_token_from_further_ahead_than_this_replica_leads_to_a_snapshot() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    token = (await Gate(topic).changes()).resume_token
    behind = Topic()
    await behind.heartbeats.write()
    behind.put(STANDING)
    behind.caches[0].heartbeats.known_as_of = 0

    assert (await Gate(behind, token=token).changes()).is_snapshot


@pytest.mark.parametrize("spoil", [lambda token: token[:-6] + "xxxxxx", lambda _: "nonsense"])
async def test_a_token_that_is_not_ours_is_refused(spoil: Callable[[str], str]) -> None:
    topic = Topic()
    await topic.heartbeat()
    token = (await Gate(topic).changes()).resume_token

    with pytest.raises(RpcError, match="INVALID_TOKEN"):
        await Gate(topic, token=spoil(token)).next()


async def test_the_token_of_another_partner_is_refused() -> None:
    topic = Topic()
    await topic.heartbeat()
    token = (await Gate(topic).changes()).resume_token

    with pytest.raises(RpcError, match="INVALID_TOKEN"):
        await Gate(topic, token=token, partner_id="example-2").next()


async def test_a_renewal_before_the_subscription_is_refused() -> None:
    topic = Topic()

    async def requests() -> AsyncIterator[pb.WatchStandingRequest]:
        yield pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=1))

    with pytest.raises(RpcError, match="VALIDATION_FAILED"):
        await anext(
            GateStream(topic.cache, ChangeMessages(TOKENS), "example-1").responses(requests())
        )


@pytest.mark.parametrize("capabilities", [frozenset[str](), frozenset({"something-else"})])
async def test_a_gate_that_does_not_know_what_every_standing_requires_is_refused(
    capabilities: frozenset[str],
) -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()

    with pytest.raises(RpcError) as refusal:
        await Gate(topic, capabilities=capabilities).next()

    assert refusal.value.reason == "GATE_TOO_OLD"
    assert refusal.value.metadata == {"missing": "access-mode"}


async def test_a_gate_of_a_later_release_is_served() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()

    gate = Gate(topic, capabilities=CAPABILITIES | {"something-later"})

    assert versions(await gate.changes()) == [1]


async def test_a_second_subscription_ends_the_stream() -> None:
    topic = Topic()
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()
    gate.send(pb.WatchStandingRequest(subscribe=pb.WatchStandingRequest.Subscribe()))

    with pytest.raises(RpcError, match="VALIDATION_FAILED"):
        await gate.next()


async def test_too_many_renewals_without_an_answer_end_the_stream() -> None:
    topic = Topic()
    gate = Gate(topic)
    waiting = asyncio.ensure_future(gate.next())
    for sequence in range(1, gate_stream.MAX_WAITING_RENEWALS + 2):
        gate.send(pb.WatchStandingRequest(renew=pb.WatchStandingRequest.Renew(sequence=sequence)))

    with pytest.raises(RpcError, match="SLOW_CONSUMER"):
        await asyncio.wait_for(waiting, 5)


async def test_a_standing_that_cannot_be_read_withholds_leases_until_a_readable_one_comes() -> None:
    topic = Topic()
    topic.put(STANDING)
    other = replace(STANDING, license_id=str(UUID(int=7)), partner_id="example-2")
    topic.put(other)
    await topic.heartbeat()
    gate, unconcerned = Gate(topic), Gate(topic, partner_id="example-2")
    await gate.changes()
    await unconcerned.changes()

    topic.put_unreadable(LICENSE)
    await topic.heartbeat()
    await gate.renew(1)
    await unconcerned.renew(1)
    assert (await unconcerned.lease()).sequence == 1
    assert topic.cache.known_as_of("example-1") is None

    waiting = asyncio.ensure_future(gate.next())
    await settled()
    assert not waiting.done()

    topic.put(REVOKED)
    topic.deliver()
    assert versions((await waiting).changes) == [2]
    assert (await gate.lease()).sequence == 1


async def test_a_stream_that_ends_leaves_nothing_behind() -> None:
    topic = Topic()
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()
    assert topic.cache.subscriber_count == 1

    await gate.responses.aclose()

    assert topic.cache.subscriber_count == 0
