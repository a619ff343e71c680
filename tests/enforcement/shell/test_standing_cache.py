"""The cache of standings: records in any order, and what the database holds."""

from __future__ import annotations

from uuid import uuid4

import pytest
from safeconduct.standing import Standing

from chassis.store.outbox import SHARDS, shard_of
from services.enforcement.shell import standing_codec
from services.enforcement.shell.standing_recall import StandingRecall
from tests.enforcement.core.builders import LICENSE
from tests.enforcement.shell.standing_topic import (
    REVOKED,
    STANDING,
    Topic,
    stored,
)


def test_a_standing_of_a_lower_version_is_ignored() -> None:
    topic = Topic()
    for standing in (STANDING, REVOKED, STANDING, REVOKED):
        topic.put(standing)
    topic.deliver()

    assert topic.cache.find(LICENSE) == REVOKED
    assert topic.cache.license_count == 1


async def test_records_that_are_not_understood_do_not_stop_the_partition() -> None:
    topic = Topic()
    topic.waiting = [
        (shard_of(LICENSE), "SomethingNew", b"?", b"\xff"),
        (shard_of(LICENSE), "StandingHeartbeat", b"heartbeat", b"\xff\xff"),
        (shard_of(LICENSE), "StandingChanged", b"no id", b"\xff\xff"),
    ]
    topic.put(STANDING)
    await topic.heartbeat()

    assert topic.cache.find(LICENSE) == STANDING
    assert topic.cache.known_as_of("example-1") == 0


async def test_a_start_decodes_each_standing_once_although_it_comes_three_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[bytes] = []
    decode = standing_codec.decode_standing_changed

    def counting(payload: bytes) -> tuple[Standing, bytes]:
        decoded.append(payload)
        return decode(payload)

    monkeypatch.setattr(standing_codec, "decode_standing_changed", counting)
    topic = Topic()
    recall = StandingRecall(topic.cache, stored(STANDING))

    await recall.start(uuid4(), dict.fromkeys(range(SHARDS), 0))
    topic.put(STANDING)
    topic.deliver()
    await recall.caught_up()

    assert len(decoded) == 1
    assert topic.cache.find(LICENSE) == STANDING
    assert [each.offset for each in topic.cache.of_partner("example-1")] == [0]
