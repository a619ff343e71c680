"""A replica whose knowledge is old is not ready, and at last not live."""

from __future__ import annotations

import pytest
from safeconduct.standing import NANOSECONDS

from services.enforcement.shell import knowledge
from services.enforcement.shell.settings import EnforcementSettings
from tests.enforcement.shell.standing_topic import Topic

SETTINGS = EnforcementSettings.model_construct(
    ready_knowledge_age_seconds=15.0, live_knowledge_age_seconds=300.0
)


@pytest.mark.parametrize(
    ("age_seconds", "is_ready", "is_live"),
    [(0, True, True), (15, True, True), (16, False, True), (301, False, False)],
)
async def test_readiness_and_liveness_follow_the_age(
    age_seconds: int, is_ready: bool, is_live: bool
) -> None:
    topic = Topic()
    await topic.heartbeat()
    topic.clock = age_seconds * NANOSECONDS

    assert (knowledge.not_ready_reason(topic.cache, SETTINGS) is None) == is_ready
    assert (knowledge.not_live_reason(topic.cache, SETTINGS) is None) == is_live


def test_a_replica_that_knows_nothing_yet_is_live_and_not_ready() -> None:
    topic = Topic()

    assert knowledge.not_ready_reason(topic.cache, SETTINGS) is not None
    assert knowledge.not_live_reason(topic.cache, SETTINGS) is None


async def test_a_replica_that_gives_no_leases_says_why_it_is_not_ready() -> None:
    topic = Topic()
    await topic.heartbeat()

    topic.cache.withhold("the database lost commits")

    assert knowledge.not_ready_reason(topic.cache, SETTINGS) == "the database lost commits"


async def test_the_reason_names_the_age() -> None:
    topic = Topic()
    await topic.heartbeat()
    topic.clock = 42 * NANOSECONDS

    reason = knowledge.not_ready_reason(topic.cache, SETTINGS)

    assert reason == "the standings were completely known 42 s ago"
