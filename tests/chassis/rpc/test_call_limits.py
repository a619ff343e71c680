from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from safeconduct.applications.v1 import service_pb2
from safeconduct.enforcement.v1 import service_pb2 as enforcement
from safeconduct.enforcement.v1 import service_pb2_grpc

from chassis.settings import ServiceSettings
from tests.chassis.rpc.conftest import Rpc, serving
from tests.chassis.rpc.test_server import metrics_of

LIMITS = """
kinds:
  partner: {calls_per_second: 0.01, burst: 3, concurrent_calls: 2, streams: 2}
principals:
  partner/large: {burst: 1000, concurrent_calls: 1000, streams: 1000}
"""
OTHER = "spiffe://safeconduct.example/partner/example-2"
LARGE = "spiffe://safeconduct.example/partner/large"
GATE = "spiffe://safeconduct.example/gate/example-1/g1"
Limited = Callable[..., Any]


@pytest.fixture
def limited(
    settings: ServiceSettings,
    spans: InMemorySpanExporter,
    certificates: Path,
    tmp_path: Path,
) -> Limited:
    file = tmp_path / "limits.yaml"
    file.write_text(LIMITS)

    @asynccontextmanager
    async def serve(**more: Any) -> AsyncIterator[Rpc]:
        given = settings.model_copy(update={"limits_file": file})
        async with serving(given, spans, certificates, deadline_s=30, grace_s=5, **more) as running:
            yield running

    return serve


async def test_calls_above_the_rate_are_refused_with_a_time_and_counted(
    limited: Limited, submission_of: Any, failure: Any
) -> None:
    async with limited() as rpc:
        stub = rpc.stub()
        for _ in range(3):
            await stub.SubmitApplication(submission_of())
        failed = await failure(stub.SubmitApplication(submission_of()))
        text = await metrics_of(rpc)
        served = await rpc.stub(OTHER).SubmitApplication(submission_of())

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
    )
    assert failed.info.metadata == {"callsPerSecond": "0.01"}
    assert failed.details["RetryInfo"].retry_delay.ToMilliseconds() > 0
    assert (
        'safeconduct_rpc_server_refused_calls_total{kind="partner",reason="RATE_LIMITED"} 1.0'
        in text
    )
    assert served.application.application_id


async def test_calls_at_the_same_time_are_bounded(
    limited: Limited, submission_of: Any, failure: Any
) -> None:
    async with limited() as rpc:
        go_on, begun = asyncio.Event(), asyncio.Semaphore(0)

        async def waits(request: Any, context: Any) -> Any:
            begun.release()
            await go_on.wait()
            return await rpc.applications.store(request, context)

        rpc.applications.submit = waits
        stub = rpc.stub()
        calls = [asyncio.ensure_future(stub.SubmitApplication(submission_of())) for _ in range(2)]
        await begun.acquire()
        await begun.acquire()
        failed = await failure(stub.SubmitApplication(submission_of()))
        go_on.set()
        await asyncio.gather(*calls)
        served = await stub.SubmitApplication(submission_of())

    assert (failed.info.reason, failed.info.metadata) == ("TOO_MANY_CALLS", {"maximumCalls": "2"})
    assert served.application.application_id


async def test_the_streams_of_one_caller_are_bounded_and_a_closed_one_makes_room(
    limited: Limited, failure: Any
) -> None:
    async with limited() as rpc:
        stub = rpc.stub(LARGE)
        many = [stub.WatchApplications(service_pb2.WatchApplicationsRequest()) for _ in range(120)]
        for each in many:
            await each.read()
        own = rpc.stub()
        watches = [own.WatchApplications(service_pb2.WatchApplicationsRequest()) for _ in range(2)]
        for each in watches:
            await each.read()
        third = own.WatchApplications(service_pb2.WatchApplicationsRequest())
        failed = await failure(third.read())

    assert failed.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (failed.info.reason, failed.info.metadata) == (
        "TOO_MANY_STREAMS",
        {"maximumStreams": "2"},
    )


async def test_the_streams_of_all_partners_leave_room_for_calls_and_gates(
    limited: Limited, submission_of: Any, failure: Any
) -> None:
    from chassis.rpc.limits import Capacity

    capacity = Capacity(calls=10, calls_for_gates=1, streams=6, streams_for_gates=1)
    async with limited(capacity=capacity) as rpc:

        async def one_lease(requests: Any, context: Any) -> AsyncIterator[Any]:
            async for _ in requests:
                yield enforcement.WatchStandingResponse()

        rpc.standing.watch = one_lease
        stub = rpc.stub(LARGE)
        watches = [stub.WatchApplications(service_pb2.WatchApplicationsRequest()) for _ in range(5)]
        for each in watches:
            await each.read()
        sixth = stub.WatchApplications(service_pb2.WatchApplicationsRequest())
        failed = await failure(sixth.read())
        served = await rpc.stub(OTHER).SubmitApplication(submission_of())
        gate = service_pb2_grpc.StandingServiceStub(rpc.channel(GATE)).WatchStanding()
        await gate.write(enforcement.WatchStandingRequest(renew={"sequence": 1}))
        lease = await gate.read()
        gate.cancel()

    assert (failed.code, failed.info.reason) == (grpc.StatusCode.UNAVAILABLE, "OVERLOADED")
    assert failed.details["RetryInfo"].retry_delay.ToMilliseconds() > 0
    assert served.application.application_id
    assert lease is not aio.EOF


async def test_a_stream_without_a_first_message_is_ended(limited: Limited, failure: Any) -> None:
    async with limited(first_message_s=0.1) as rpc:

        async def reads(requests: Any, context: Any) -> AsyncIterator[Any]:
            async for _ in requests:
                yield enforcement.WatchStandingResponse()

        rpc.standing.watch = reads
        stub = service_pb2_grpc.StandingServiceStub(rpc.channel(GATE))
        failed = await failure(stub.WatchStanding().read())

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "FIRST_MESSAGE_LATE",
    )


async def test_a_stream_may_be_idle_after_its_first_message(limited: Limited) -> None:
    async with limited(first_message_s=0.2) as rpc:
        answered = asyncio.Event()

        async def reads(requests: Any, context: Any) -> AsyncIterator[Any]:
            async for _ in requests:
                yield enforcement.WatchStandingResponse()
                answered.set()

        rpc.standing.watch = reads
        call = service_pb2_grpc.StandingServiceStub(rpc.channel(GATE)).WatchStanding()
        await call.write(enforcement.WatchStandingRequest(renew={"sequence": 1}))
        await call.read()
        await asyncio.sleep(0.4)  # longer than the first message may take
        await call.write(enforcement.WatchStandingRequest(renew={"sequence": 2}))
        second = await call.read()
        call.cancel()

    assert second is not aio.EOF


async def test_a_call_whose_client_sends_no_request_is_refused(
    limited: Limited, failure: Any
) -> None:
    method = "/safeconduct.applications.v1.ApplicationService/SubmitApplication"
    async with limited() as rpc:
        call = rpc.channel().stream_unary(method)()
        await call.done_writing()
        failed = await failure(call)

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
    )
