"""Calls that a stopping server cannot finish end with UNAVAILABLE and DRAINING."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc import aio
from safeconduct.applications.v1 import service_pb2
from safeconduct.enforcement.v1 import service_pb2 as enforcement
from safeconduct.enforcement.v1 import service_pb2_grpc

from tests.chassis.rpc.conftest import failure_of

SUBMIT = "safeconduct.applications.v1.ApplicationService/SubmitApplication"


def assert_is_draining(failed: Any) -> None:
    assert (failed.code, failed.info.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert failed.details["RetryInfo"].retry_delay.ToMilliseconds() > 0


async def test_a_unary_call_that_runs_past_the_grace_ends_with_draining(
    rpc_with_short_grace: Any, request_: Any, failure: Any
) -> None:
    rpc, begun = rpc_with_short_grace, asyncio.Event()

    async def never_answers(request: Any, context: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    rpc.applications.submit = never_answers
    call = rpc.stub().SubmitApplication(request_)
    failing = asyncio.ensure_future(failure(call))
    await begun.wait()
    await rpc.server.drain()

    assert_is_draining(await failing)
    (span,) = [each for each in rpc.spans.get_finished_spans() if each.name == SUBMIT]
    assert span.status.status_code.name == "UNSET"
    assert span.attributes["safeconduct.refusal"] == "DRAINING"


async def test_a_stream_of_responses_that_ignores_the_drain_ends_with_draining(
    rpc_with_short_grace: Any, failure: Any
) -> None:
    rpc, closed = rpc_with_short_grace, asyncio.Event()

    async def never_ends(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            yield service_pb2.WatchApplicationsResponse(resume_token="1")
            await asyncio.Event().wait()
        finally:
            closed.set()

    rpc.applications.watch = never_ends
    watch = rpc.stub().WatchApplications(service_pb2.WatchApplicationsRequest())
    await watch.read()
    failing = asyncio.ensure_future(failure(watch.read()))
    await rpc.server.drain()

    assert_is_draining(await failing)
    assert closed.is_set()


async def test_a_stream_in_both_directions_that_ignores_the_drain_ends_with_draining(
    rpc_with_short_grace: Any, failure: Any
) -> None:
    rpc = rpc_with_short_grace

    async def echoes(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for _ in requests:
            yield enforcement.WatchStandingResponse()

    rpc.standing.watch = echoes
    channel = rpc.channel("spiffe://safeconduct.example/gate/example-1/g1")
    watch = service_pb2_grpc.StandingServiceStub(channel).WatchStanding()
    await watch.write(enforcement.WatchStandingRequest(renew={"sequence": 7}))
    await watch.read()
    failing = asyncio.ensure_future(failure(watch.read()))
    await rpc.server.drain()

    assert_is_draining(await failing)


async def test_a_handler_that_answers_although_it_was_cancelled_is_answered(
    rpc_with_short_grace: Any, request_: Any
) -> None:
    rpc, begun = rpc_with_short_grace, asyncio.Event()

    async def finishes(request: Any, context: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await rpc.applications.store(request, context)

    rpc.applications.submit = finishes
    call = asyncio.ensure_future(rpc.stub().SubmitApplication(request_))
    await begun.wait()
    await rpc.server.drain()

    assert (await call).application.application_id == request_.request_id


async def test_a_call_that_its_caller_cancels_during_the_drain_is_cancelled(
    rpc_with_short_grace: Any, request_: Any
) -> None:
    rpc, begun, cancelled = rpc_with_short_grace, asyncio.Event(), asyncio.Event()

    async def never_answers(request: Any, context: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    rpc.applications.submit = never_answers
    call = rpc.stub().SubmitApplication(request_)
    call_ended = asyncio.ensure_future(call.code())
    await begun.wait()
    call.cancel()
    await cancelled.wait()
    await rpc.server.drain()

    assert await call_ended is grpc.StatusCode.CANCELLED
    (span,) = [each for each in rpc.spans.get_finished_spans() if each.name == SUBMIT]
    assert span.attributes["rpc.response.status_code"] == "CANCELLED"


async def test_calls_that_still_wait_in_the_servers_queue_when_it_stops_end_with_draining(
    rpc: Any, submission_of: Any
) -> None:
    # They wait there while the event loop is busy. gRPC would end all of them as CANCELLED.
    begun = asyncio.Event()

    async def keeps_the_loop_busy(request: Any, context: Any) -> Any:
        begun.set()
        busy_until = time.perf_counter() + 0.005
        while time.perf_counter() < busy_until:
            pass
        return await rpc.applications.store(request, context)

    rpc.applications.submit = keeps_the_loop_busy
    stub = rpc.stub()

    async def outcome() -> str:
        try:
            await stub.SubmitApplication(submission_of())
        except aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                return error.code().name
            return failure_of(error).info.reason
        return "OK"

    calls = [asyncio.ensure_future(outcome()) for _ in range(200)]
    await begun.wait()
    await rpc.server.drain()
    outcomes = Counter(await asyncio.gather(*calls))

    assert set(outcomes) == {"OK", "DRAINING"}
