from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import grpc
import pytest
from google.rpc import error_details_pb2
from grpc import aio
from grpc._cython import cygrpc
from opentelemetry.trace import SpanKind, StatusCode
from safeconduct.applications.v1 import service_pb2
from safeconduct.enforcement.v1 import service_pb2 as enforcement_pb2
from safeconduct.enforcement.v1.service_pb2_grpc import StandingServiceStub
from safeconduct.options.v1 import options_pb2

from chassis.rpc import authentication, interceptor
from chassis.rpc.calls_in_flight import CallsInFlight
from chassis.rpc.errors import RpcError
from chassis.telemetry import tracing

SECRET = "Wilhelmina Geheim"


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - another process would be asked like this, too
            await asyncio.sleep(0.01)


def raising(exception: BaseException) -> Any:
    async def handler(request: Any, context: Any) -> Any:
        raise exception

    return handler


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_a_partner_is_known_to_the_handler_by_its_certificate(
    rpc: Any, request_: Any
) -> None:
    seen = []

    async def handler(request: Any, context: Any) -> Any:
        seen.append(authentication.current_principal())
        return await rpc.applications.store(request, context)

    rpc.applications.submit = handler
    response = await rpc.stub().SubmitApplication(request_)

    assert request_.request_id == response.application.application_id
    assert [
        authentication.Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
    ] == seen


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://elsewhere.example/partner/example-1",
        "spiffe://safeconduct.example/partner/example-1/more",
        "spiffe://safeconduct.example/officer/licensing-9",
        "https://safeconduct.example/partner/example-1",
    ],
)
async def test_a_certificate_without_a_principal_is_unauthenticated(
    rpc: Any, request_: Any, failure: Any, uri: Any
) -> None:
    failed = await failure(rpc.stub(uri).SubmitApplication(request_))

    assert (failed.code, failed.info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert failed.info.domain == "applications.safeconduct"


async def test_without_a_certificate_there_is_no_connection(
    rpc: Any, request_: Any, certificates: Any
) -> None:
    credentials = grpc.ssl_channel_credentials((certificates / "ca.crt").read_bytes())
    async with aio.secure_channel(f"127.0.0.1:{rpc.server.port}", credentials) as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await rpc.stub().__class__(channel).SubmitApplication(request_, timeout=5)

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_wrong_role_is_refused_before_the_request_is_checked(
    rpc: Any, failure: Any
) -> None:
    invalid = service_pb2.SubmitApplicationRequest(request_id="no uuid")
    failed = await failure(
        rpc.stub("spiffe://safeconduct.example/officer/licensing-1").SubmitApplication(invalid)
    )

    assert (failed.code, failed.info.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
    assert dict(failed.info.metadata) == {"roles": "PARTNER"}


async def test_a_broken_rule_comes_back_with_the_path_of_its_field(
    rpc: Any, failure: Any, submission_of: Any
) -> None:
    failed = await failure(rpc.stub().SubmitApplication(submission_of(country="Schweiz")))
    (violation,) = failed.details["BadRequest"].field_violations

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
    )
    assert (violation.field, violation.reason) == ("details.parties[0].country", "STRING_PATTERN")


async def test_of_more_than_forty_broken_rules_forty_are_listed_and_all_are_counted(
    rpc: Any, failure: Any, submission_of: Any
) -> None:
    request = submission_of()
    del request.details.destinations[:]
    request.details.destinations.extend(f"{number:02d}" for number in range(41))
    failed = await failure(rpc.stub().SubmitApplication(request))

    assert failed.info.metadata["violationCount"] == "41"
    assert len(failed.details["BadRequest"].field_violations) == 40


async def test_the_request_with_the_most_faults_still_gets_its_details(
    rpc: Any, failure: Any
) -> None:
    request = service_pb2.SubmitApplicationRequest()
    for _ in range(400):
        request.details.parties.add().identifiers.add()
    failed = await failure(rpc.stub().SubmitApplication(request))

    assert int(failed.info.metadata["violationCount"]) > 1000
    assert len(failed.raw) < 6000


async def test_more_than_a_mebibyte_is_refused_with_both_sizes_and_the_largest_field(
    rpc: Any, failure: Any, submission_of: Any
) -> None:
    request = submission_of(name="x" * (1 << 20))
    failed = await failure(rpc.stub().SubmitApplication(request))

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "MESSAGE_TOO_LARGE",
    )
    assert dict(failed.info.metadata) == {
        "maximumBytes": "1048576",
        "actualBytes": str(request.ByteSize()),
        "field": "details.parties[0].name",
        "fieldBytes": "1048576",
    }


async def test_bytes_that_are_not_a_message_are_invalid(rpc: Any, failure: Any) -> None:
    call = rpc.channel().unary_unary(
        "/safeconduct.applications.v1.ApplicationService/SubmitApplication"
    )
    failed = await failure(call(b"\xff\xff\xff"))

    assert failed.info.reason == "VALIDATION_FAILED"
    assert failed.details["BadRequest"].field_violations[0].reason == "MALFORMED"


async def test_the_text_of_an_unhandled_exception_is_not_on_the_wire_in_the_log_or_in_the_span(
    rpc: Any, request_: Any, failure: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rpc.applications.submit = raising(RuntimeError(SECRET))
    failed = await failure(rpc.stub().SubmitApplication(request_))
    await until(rpc.spans.get_finished_spans)
    lines = log_lines(capsys)

    (line,) = [line for line in lines if line["event"] == "unhandled"]
    assert (failed.code, failed.info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert line["error_ref"] == failed.info.metadata["errorRef"]
    assert line["exception"]["types"] == ["RuntimeError"]
    assert SECRET.encode() not in failed.raw
    assert SECRET not in json.dumps(lines) + "".join(
        span.to_json() for span in rpc.spans.get_finished_spans()
    )


async def test_a_handler_that_cancels_itself_is_a_fault_and_not_a_hanging_client(
    rpc: Any, request_: Any, failure: Any
) -> None:
    rpc.applications.submit = raising(asyncio.CancelledError())
    failed = await failure(rpc.stub().SubmitApplication(request_, timeout=5))

    assert (failed.code, failed.info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")


async def test_the_servers_own_deadline_ends_a_call(rpc: Any, request_: Any, failure: Any) -> None:
    async def handler(request: Any, context: Any) -> None:
        await asyncio.Event().wait()

    rpc.applications.submit = handler
    failed = await failure(rpc.stub().SubmitApplication(request_, timeout=30))

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "SERVER_DEADLINE",
    )


async def test_the_clients_deadline_cancels_the_handler(
    rpc: Any, request_: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = asyncio.Event()

    async def handler(request: Any, context: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    rpc.applications.submit = handler
    with pytest.raises(aio.AioRpcError) as caught:
        await rpc.stub().SubmitApplication(request_, timeout=0.2)
    async with asyncio.timeout(5):
        await ended.wait()
    await until(rpc.spans.get_finished_spans)

    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert rpc.spans.get_finished_spans()[0].status.status_code == StatusCode.UNSET


@pytest.mark.parametrize(
    "exception",
    [
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.exceptions.AdminShutdownError("terminating connection"),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        ExceptionGroup("both", [ConnectionResetError(), TimeoutError()]),
    ],
)
async def test_a_database_that_is_away_is_unavailable_with_a_time_to_retry(
    rpc: Any, request_: Any, failure: Any, exception: Any
) -> None:
    rpc.applications.submit = raising(exception)
    failed = await failure(rpc.stub().SubmitApplication(request_))

    assert (failed.code, failed.info.reason) == (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")
    assert failed.details["RetryInfo"].retry_delay.ToSeconds() > 0


async def test_a_statement_that_postgresql_rejects_is_an_internal_error(
    rpc: Any, request_: Any, failure: Any
) -> None:
    rpc.applications.submit = raising(asyncpg.UniqueViolationError(f"duplicate key {SECRET}"))
    failed = await failure(rpc.stub().SubmitApplication(request_))

    assert failed.info.reason == "INTERNAL"


async def test_a_refusal_does_not_set_the_span_to_error(
    rpc: Any, request_: Any, failure: Any
) -> None:
    detail = error_details_pb2.PreconditionFailure()
    rpc.applications.submit = raising(
        RpcError(
            grpc.StatusCode.FAILED_PRECONDITION,
            "WRONG_STATE",
            "not now",
            {"state": "GRANTED"},
            detail,
        )
    )
    failed = await failure(rpc.stub().SubmitApplication(request_))
    await until(rpc.spans.get_finished_spans)
    (span,) = rpc.spans.get_finished_spans()

    assert (failed.info.reason, dict(failed.info.metadata)) == ("WRONG_STATE", {"state": "GRANTED"})
    assert {"ErrorInfo", "PreconditionFailure"} == set(failed.details)
    assert (span.status.status_code, span.attributes["safeconduct.refusal"]) == (
        StatusCode.UNSET,
        "WRONG_STATE",
    )


async def test_a_fault_sets_the_span_to_error_with_its_reason_only(
    rpc: Any, request_: Any, failure: Any
) -> None:
    rpc.applications.submit = raising(ValueError(SECRET))
    failed = await failure(rpc.stub().SubmitApplication(request_))
    await until(rpc.spans.get_finished_spans)
    (span,) = rpc.spans.get_finished_spans()

    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "INTERNAL")
    assert failed.info.metadata["errorRef"] == span.attributes["safeconduct.error_ref"]
    assert span.events == ()


async def test_a_call_continues_the_callers_trace(
    rpc: Any, request_: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    traces = []

    async def handler(request: Any, context: Any) -> Any:
        traces.append((tracing.trace_id(), tracing.traceparent()[:36]))
        return await rpc.applications.store(request, context)

    rpc.applications.submit = handler
    parent = f"00-{'a1' * 16}-{'b2' * 8}-01"
    await rpc.stub().SubmitApplication(request_, metadata=[("traceparent", parent)])
    await until(rpc.spans.get_finished_spans)
    (span,) = rpc.spans.get_finished_spans()
    (line,) = [line for line in log_lines(capsys) if line["event"] == "rpc"]

    assert "a1" * 16 == traces[0][0] == line["trace_id"]
    assert span.parent.span_id == 0xB2B2B2B2B2B2B2B2
    assert span.kind == SpanKind.SERVER
    assert (line["code"], line["principal"]) == ("OK", "partner/example-1")


async def test_the_name_of_a_person_is_in_no_span_and_in_no_log_line(
    rpc: Any, failure: Any, submission_of: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rpc.applications.submit = raising(KeyError(SECRET))
    named = submission_of(name=SECRET, aliases=[SECRET], address=SECRET)
    await failure(rpc.stub().SubmitApplication(named))
    named.details.parties[0].country = SECRET
    await failure(rpc.stub().SubmitApplication(named))
    await until(lambda: len(rpc.spans.get_finished_spans()) == 2)
    seen = capsys.readouterr().out + "".join(
        span.to_json() for span in rpc.spans.get_finished_spans()
    )

    fields = named.details.parties[0].DESCRIPTOR.fields_by_name
    assert all(
        fields[name].GetOptions().Extensions[options_pb2.personal]
        for name in ("name", "aliases", "address")
    )
    assert SECRET not in seen
    assert "VALIDATION_FAILED" in seen


async def test_a_handler_may_return_a_serialized_response(rpc: Any, request_: Any) -> None:
    async def handler(request: Any, context: Any) -> Any:
        return (await rpc.applications.store(request, context)).SerializeToString()

    rpc.applications.submit = handler
    response = await rpc.stub().SubmitApplication(request_)

    assert request_.request_id == response.application.application_id


async def test_a_response_of_the_wrong_type_is_a_fault(
    rpc: Any, request_: Any, failure: Any
) -> None:
    async def handler(request: Any, context: Any) -> str:
        return "no message"

    rpc.applications.submit = handler
    failed = await failure(rpc.stub().SubmitApplication(request_))

    assert failed.info.reason == "INTERNAL"


async def test_the_request_of_a_watch_is_checked_and_its_errors_are_mapped(
    rpc: Any, failure: Any
) -> None:
    async def handler(request: Any, context: Any) -> Any:
        yield service_pb2.WatchApplicationsResponse(resume_token="1")
        raise RuntimeError(SECRET)

    rpc.applications.watch = handler
    watch = rpc.stub().WatchApplications(service_pb2.WatchApplicationsRequest())
    first = await watch.read()
    failed = await failure(watch.read())
    invalid = rpc.stub().WatchApplications(
        service_pb2.WatchApplicationsRequest(application_id="no uuid")
    )

    assert first.resume_token == "1"
    assert failed.info.reason == "INTERNAL"
    assert SECRET.encode() not in failed.raw
    assert (await failure(invalid.read())).info.reason == "VALIDATION_FAILED"


async def test_a_client_that_leaves_closes_the_handlers_generator(rpc: Any) -> None:
    closed = asyncio.Event()

    async def handler(request: Any, context: Any) -> Any:
        try:
            while True:
                yield service_pb2.WatchApplicationsResponse(resume_token="1")
        finally:
            closed.set()

    rpc.applications.watch = handler
    watch = rpc.stub().WatchApplications(service_pb2.WatchApplicationsRequest())
    await watch.read()
    watch.cancel()
    async with asyncio.timeout(5):
        await closed.wait()
    await until(rpc.spans.get_finished_spans)
    (span,) = rpc.spans.get_finished_spans()

    assert span.attributes["rpc.response.status_code"] == "CANCELLED"
    assert span.status.status_code == StatusCode.UNSET


async def test_a_write_that_fails_means_that_the_client_has_left() -> None:
    closed = asyncio.Event()

    class Context:
        async def write(self, _body: bytes) -> None:
            raise cygrpc.ExecuteBatchError("Failed grpc_call_start_batch: 1")

    async def handler() -> Any:
        try:
            yield b"message"
        finally:
            closed.set()

    assert issubclass(cygrpc.ExecuteBatchError, aio.InternalError)
    with pytest.raises(interceptor._ClientGoneError):
        await interceptor._send_all(handler(), Context(), bytes, CallsInFlight())  # type: ignore[arg-type]  # what it uses of a context

    assert closed.is_set()


async def test_every_message_of_a_clients_stream_is_checked(rpc: Any, failure: Any) -> None:
    async def handler(requests: Any, context: Any) -> Any:
        async for request in requests:
            yield enforcement_pb2.WatchStandingResponse(lease={"sequence": request.renew.sequence})

    rpc.standing.watch = handler
    watch = StandingServiceStub(
        rpc.channel("spiffe://safeconduct.example/gate/example-1/g1")
    ).WatchStanding()
    await watch.write(enforcement_pb2.WatchStandingRequest(renew={"sequence": 7}))
    first = await watch.read()
    await watch.write(enforcement_pb2.WatchStandingRequest(renew={"sequence": -1}))
    failed = await failure(watch.read())

    assert first.lease.sequence == 7
    assert failed.details["BadRequest"].field_violations[0].field == "renew.sequence"


async def test_an_invalid_message_read_by_a_task_of_the_handler_is_the_callers_error(
    rpc: Any, failure: Any
) -> None:
    async def handler(requests: Any, context: Any) -> Any:
        async def read() -> None:
            async for _ in requests:
                pass

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await asyncio.Event().wait()
        yield None

    rpc.standing.watch = handler
    watch = StandingServiceStub(
        rpc.channel("spiffe://safeconduct.example/gate/example-1/g1")
    ).WatchStanding()
    await watch.write(enforcement_pb2.WatchStandingRequest())
    failed = await failure(watch.read())

    assert failed.info.reason == "VALIDATION_FAILED"
