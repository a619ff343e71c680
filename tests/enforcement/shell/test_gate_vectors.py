"""CheckAccess decides the published test vectors as a gate does."""

from __future__ import annotations

import pytest
from safeconduct.enforcement.v1 import events_pb2, model_pb2

from chassis.rpc.authentication import Principal
from chassis.streams.topic_table import Entry
from services.enforcement.shell.dependencies import Dependencies
from services.enforcement.shell.standing_service import StandingServicer
from tests.chassis.callers import acting_as
from tests.enforcement.shell.standing_topic import TOKENS, Topic
from tests.sdk.gate_vectors import VECTORS, Vector, name_of

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
START = 10**18


async def prepared(vector: Vector) -> Topic:
    """A replica that knows the vector's standing for as long as the vector says."""
    topic = Topic(clock=START)
    if vector.standing is not None:
        record = events_pb2.StandingChanged(standing=vector.standing).SerializeToString()
        key = vector.standing.license_id.encode()
        topic.cache.consume([Entry(0, 0, key, record, "StandingChanged", "")])
        if vector.knowledge_age_ns is None:
            topic.cache.consume([Entry(0, 1, key, b"\xff", "StandingChanged", "")])
    await topic.heartbeat()
    topic.clock = START + (vector.knowledge_age_ns or 0)
    return topic


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
async def test_the_service_decides_as_the_vector_says(vector: Vector) -> None:
    topic = await prepared(vector)
    servicer = StandingServicer(
        Dependencies(None, topic.cache, TOKENS, clock=lambda: vector.wall_clock)  # type: ignore[arg-type]  # no journal is read
    )

    with acting_as(PARTNER):
        answer = await servicer.CheckAccess(vector.request, None)

    verdict = model_pb2.AccessVerdict.Name(answer.verdict).removeprefix("ACCESS_VERDICT_")
    assert (verdict, answer.standing_version) == (vector.verdict, vector.standing_version)
    assert answer.explanation.endswith(".")
