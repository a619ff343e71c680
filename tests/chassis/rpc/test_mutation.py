"""One mutating RPC on the sample aggregate: idempotency key, access, etag, decision, dry run."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from safeconduct.applications.v1 import service_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from chassis.rpc.mutation import Mutations, method_of
from chassis.store.journal import Journal
from chassis.store.stream import etag_of
from chassis.streams.record_size import MAX_PAYLOAD_BYTES
from tests.chassis.callers import acting_as
from tests.chassis.sample_aggregate import (
    NOON,
    Added,
    Refusal,
    Sample,
    SampleJournal,
    UnindexedStream,
    naming,
    telemetry,
)

PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
OTHER = Principal("partner", "example-2", "example-2", frozenset({"PARTNER"}))
NOT_VISIBLE = Refusal("NOT_FOUND", "NOT_VISIBLE", "no sample with this id")
Response = service_pb2.WithdrawApplicationResponse


class Adding:
    """A decider that adds an amount; counts its calls and keeps the time it got."""

    def __init__(self) -> None:
        self.calls = 0
        self.times: set[datetime] = set()

    def __call__(
        self, state: Sample | None, command: tuple[UUID, int], now: datetime
    ) -> tuple[Added, ...] | Refusal:
        self.calls += 1
        self.times.add(now)
        sample_id, amount = command
        return (Added(sample_id, amount),) if amount < 100 else Refusal()


def refuse_others(state: Sample | None, principal: Principal) -> Refusal | None:
    return NOT_VISIBLE if principal != PARTNER else None


def request(**fields: Any) -> service_pb2.WithdrawApplicationRequest:
    """A mutation of the contract; the sample's command does not depend on its fields."""
    return service_pb2.WithdrawApplicationRequest(**{"request_id": str(uuid4()), **fields})


def view(sample: Sample) -> Response:
    return Response(application={"etag": f"{sample.version}", "application_id": f"{sample.total}"})


async def test_an_event_that_is_too_large_is_refused_with_the_largest_field_of_the_request(
    pool: asyncpg.Pool, owner: asyncpg.Connection
) -> None:
    sample_id = uuid4()
    too_large = naming(sample_id, MAX_PAYLOAD_BYTES + 1)
    journal = Journal(pool, UnindexedStream(), telemetry(), lambda: None)
    mutations: Mutations[Any, Any, Any] = Mutations(
        journal, lambda state, _command, _now: too_large(state), lambda: NOON
    )

    with pytest.raises(RpcError) as refused, acting_as(PARTNER):
        await mutations.run(sample_id, request(reason="r" * 900), None, view)

    error = refused.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "RECORD_TOO_LARGE")
    assert error.metadata == {
        "maximumBytes": str(MAX_PAYLOAD_BYTES),
        "actualBytes": str(MAX_PAYLOAD_BYTES + 1),
        "field": "reason",
        "fieldBytes": "900",
    }
    (details,) = error.details
    assert [each.field for each in details.field_violations] == ["reason"]
    assert await owner.fetchval("select count(*) from stream where id = $1", sample_id) == 0


@pytest.fixture
def decide() -> Adding:
    return Adding()


@pytest.fixture
def mutations(journal: SampleJournal, decide: Adding) -> Mutations[Any, Any, Any]:
    return Mutations(journal, decide, lambda: NOON, refuse_others)


async def run(
    mutations: Mutations[Any, Any, Any],
    sample_id: UUID,
    given: service_pb2.WithdrawApplicationRequest,
    amount: int = 7,
    principal: Principal = PARTNER,
    **more: bool,
) -> Response:
    with acting_as(principal):
        return await mutations.run(sample_id, given, (sample_id, amount), view, **more)


async def reason(*arguments: Any, **more: Any) -> str:
    with pytest.raises(RpcError) as caught:
        await run(*arguments, **more)
    return caught.value.reason


async def test_a_mutation_decides_with_the_time_of_the_clock_and_records_its_caller(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal, decide: Adding
) -> None:
    sample_id = uuid4()
    answer = await run(mutations, sample_id, request())
    (recorded,) = await journal.history(sample_id)

    assert (answer, decide.times) == (view(Sample(sample_id, 1, 7)), {NOON})
    assert (recorded.name, recorded.actor) == ("Added", "partner/example-1")


async def test_the_same_request_again_gets_the_stored_answer_and_is_not_decided_again(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal, decide: Adding
) -> None:
    sample_id, given = uuid4(), request()
    first = await run(mutations, sample_id, given)
    await run(mutations, sample_id, request())
    again = await run(mutations, sample_id, given)
    current = await journal.read(sample_id)

    assert again == first
    assert (current.version, decide.calls) == (2, 2)


async def test_a_creation_that_is_repeated_with_another_new_id_gets_the_stored_answer(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal
) -> None:
    given, first_id, second_id = request(), uuid4(), uuid4()
    first = await run(mutations, first_id, given, creates=True)
    again = await run(mutations, second_id, given, creates=True)

    assert again == first
    assert await journal.read(second_id) is None


async def test_a_request_id_with_another_body_is_reused(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal
) -> None:
    sample_id, given = uuid4(), request(reason="first")
    await run(mutations, sample_id, given)
    other = request(request_id=given.request_id, reason="second")

    assert await reason(mutations, sample_id, other) == "REQUEST_ID_REUSED"
    assert (await journal.read(sample_id)).version == 1


async def test_two_callers_may_use_the_same_request_id(
    journal: SampleJournal, decide: Adding
) -> None:
    mutations = Mutations(journal, decide, lambda: NOON)
    sample_id, given = uuid4(), request()
    await run(mutations, sample_id, given)

    assert await run(mutations, sample_id, given, principal=OTHER) == view(Sample(sample_id, 2, 14))


async def test_a_stale_etag_is_refused_and_the_current_one_is_accepted(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal
) -> None:
    sample_id = uuid4()
    await run(mutations, sample_id, request())
    await run(mutations, sample_id, request(etag=etag_of(1)))

    assert await reason(mutations, sample_id, request(etag=etag_of(1))) == "STALE_ETAG"
    assert (await journal.read(sample_id)).version == 2


async def test_a_caller_without_access_learns_nothing_from_the_etag(
    mutations: Mutations[Any, Any, Any], decide: Adding
) -> None:
    sample_id = uuid4()
    await run(mutations, sample_id, request())

    for etag in ("", etag_of(1), etag_of(99)):
        given = request(etag=etag)
        assert await reason(mutations, sample_id, given, principal=OTHER) == "NOT_VISIBLE"
    assert decide.calls == 1


async def test_a_refusal_of_the_decider_is_raised_and_stores_nothing(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal
) -> None:
    sample_id = uuid4()

    assert await reason(mutations, sample_id, request(), amount=100) == "ENOUGH"
    assert await journal.read(sample_id) is None


async def test_a_dry_run_answers_as_the_live_call_does_and_stores_nothing(
    mutations: Mutations[Any, Any, Any], journal: SampleJournal
) -> None:
    sample_id, given = uuid4(), request()
    dry = await run(mutations, sample_id, request(request_id=given.request_id, validate_only=True))
    between = await journal.read(sample_id)
    live = await run(mutations, sample_id, given)

    assert (dry, between) == (live, None)


async def test_a_dry_run_is_refused_as_the_live_call_is(
    mutations: Mutations[Any, Any, Any],
) -> None:
    sample_id = uuid4()
    await run(mutations, sample_id, request())

    stale = request(etag=etag_of(9), validate_only=True)
    assert await reason(mutations, sample_id, stale) == "STALE_ETAG"
    refused = request(validate_only=True)
    assert await reason(mutations, sample_id, refused, amount=100) == "ENOUGH"


def test_the_method_of_a_request_is_found_by_its_type() -> None:
    method = method_of(service_pb2.WithdrawApplicationRequest)

    assert (method.name, method.output_type.name) == (
        "WithdrawApplication",
        "WithdrawApplicationResponse",
    )


def test_a_message_that_no_method_takes_has_no_method() -> None:
    with pytest.raises(LookupError, match=r"no method takes google\.protobuf\.Int64Value"):
        method_of(Int64Value)
