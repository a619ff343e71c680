"""The cache of standings: records in any order, and what the database holds."""

from __future__ import annotations

from chassis.store.outbox import shard_of
from tests.enforcement.core.builders import LICENSE
from tests.enforcement.shell.standing_topic import (
    REVOKED,
    STANDING,
    Topic,
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
