"""The cache of standings: records in any order, and what the database holds."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from chassis.store.outbox import shard_of
from services.enforcement.shell import standing_cache
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


async def test_every_page_is_loaded_and_the_database_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standing_cache, "PAGE_SIZE", 2)
    monkeypatch.setattr(standing_cache, "RETRY_S", 0.0)
    topic = Topic()

    await topic.cache.load(
        stored(*(replace(STANDING, license_id=str(UUID(int=n))) for n in range(1, 6)), away=2)
    )

    assert topic.cache.license_count == 5


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
