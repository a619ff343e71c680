from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from safeconduct.applications.v1 import service_pb2
from safeconduct.options.v1 import options_pb2

from chassis.rpc.authorization import access_table
from chassis.rpc.server import RpcServer
from chassis.settings import ServiceSettings
from chassis.telemetry import tracing
from infra.local import certificate_authority as ca

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(rpc: Any, service: str) -> int:
    async with aio.insecure_channel(f"127.0.0.1:{rpc.server.health_port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


async def until_health(rpc: Any, service: str, status: int) -> None:
    async with asyncio.timeout(10):
        while await health_of(rpc, service) != status:  # noqa: ASYNC110 - another process would be asked like this, too
            await asyncio.sleep(0.02)


async def metrics_of(rpc: Any, accept: str = "text/plain") -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{rpc.server.metrics_port}/metrics", headers={"Accept": accept}
    )

    def fetch() -> str:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.read().decode()

    return await asyncio.to_thread(fetch)


def contract(name: str, roles: list[int] | None) -> str:
    """A service of one method, registered like a generated one."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package=name, syntax="proto3")
    file.message_type.add(name="M")
    method = file.service.add(name="S").method.add(
        name="Do", input_type=f".{name}.M", output_type=f".{name}.M"
    )
    if roles is not None:
        method.options.Extensions[options_pb2.access].roles.extend(roles)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return f"{name}.S"


@pytest.mark.parametrize(
    ("name", "roles"), [("open_to_nobody", None), ("empty", []), ("unspecified", [1, 0])]
)
def test_a_method_without_roles_keeps_the_server_from_being_built(
    settings: Any, name: Any, roles: Any
) -> None:
    service = contract(name, roles)
    measured = tracing.setup("applications", "0")

    with pytest.raises(ValueError, match=re.escape(f"{name}.S.Do has no roles")):
        RpcServer(settings, measured, [(lambda *_: None, object(), service)], lambda: None)


def test_a_service_without_a_contract_keeps_the_server_from_being_built() -> None:
    with pytest.raises(ValueError, match=r"no contract defines the service nobody\.Service"):
        access_table(["nobody.Service"])


async def test_readiness_follows_the_service_and_liveness_does_not(rpc: Any) -> None:
    await until_health(rpc, "", SERVING)
    rpc.not_ready.append("the database is away")
    await until_health(rpc, "", NOT_SERVING)

    assert await health_of(rpc, "live") == SERVING

    rpc.not_ready.clear()
    await until_health(rpc, "", SERVING)


async def test_liveness_follows_the_reason_for_a_new_start(rpc: Any) -> None:
    await until_health(rpc, "live", SERVING)
    rpc.not_live.append("the standings were completely known 301 s ago")
    await until_health(rpc, "live", NOT_SERVING)
    rpc.not_live.clear()

    await until_health(rpc, "live", SERVING)


async def test_a_draining_server_ends_an_open_watch_with_a_reason(rpc: Any, failure: Any) -> None:
    await until_health(rpc, "", SERVING)
    watch = rpc.stub().WatchApplications(service_pb2.WatchApplicationsRequest())
    await watch.read()
    drained = asyncio.create_task(rpc.server.drain())
    failed = await failure(watch.read())
    async with asyncio.timeout(4):  # the grace is 5 s: the watch did not hold it
        await drained
    await asyncio.sleep(0)

    assert (failed.code, failed.info.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert failed.details["RetryInfo"].retry_delay.ToMilliseconds() > 0


async def test_a_draining_server_is_alive_but_not_ready_and_finishes_its_calls(
    rpc: Any, request_: Any
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(request: Any, context: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await rpc.applications.store(request, context)

    rpc.applications.submit = handler
    await until_health(rpc, "", SERVING)
    call = asyncio.ensure_future(rpc.stub().SubmitApplication(request_))
    await begun.wait()
    drained = asyncio.create_task(rpc.server.drain())
    await until_health(rpc, "", NOT_SERVING)

    assert await health_of(rpc, "live") == SERVING

    go_on.set()
    response = await call
    await drained

    assert request_.request_id == response.application.application_id


async def test_a_deliberate_end_of_a_watch_is_no_error_span(rpc: Any) -> None:
    watch = rpc.stub().WatchApplications(service_pb2.WatchApplicationsRequest())
    await watch.read()
    await rpc.server.drain()
    (span,) = rpc.spans.get_finished_spans()

    assert (span.status.status_code.name, span.attributes["safeconduct.refusal"]) == (
        "UNSET",
        "DRAINING",
    )


async def test_after_draining_all_ports_are_closed(rpc: Any) -> None:
    ports = rpc.server.port, rpc.server.health_port, rpc.server.metrics_port
    await rpc.server.drain()

    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_calls_are_counted_by_method_and_code_and_nothing_else(
    rpc: Any, request_: Any, failure: Any
) -> None:
    await rpc.stub().SubmitApplication(request_)
    await failure(rpc.stub().SubmitApplication(service_pb2.SubmitApplicationRequest()))
    text = await metrics_of(rpc)
    method = "/safeconduct.applications.v1.ApplicationService/SubmitApplication"

    assert f'safeconduct_rpc_server_calls_total{{code="OK",method="{method}"}} 1.0' in text
    assert (
        f'safeconduct_rpc_server_calls_total{{code="INVALID_ARGUMENT",method="{method}"}} 1.0'
        in text
    )
    assert f'safeconduct_rpc_server_calls_in_flight{{method="{method}"}} 0.0' in text
    assert f'safeconduct_rpc_server_call_duration_seconds_count{{method="{method}"}} 2.0' in text


async def test_durations_carry_the_trace_of_a_call_as_exemplar(rpc: Any, request_: Any) -> None:
    await rpc.stub().SubmitApplication(
        request_, metadata=[("traceparent", f"00-{'a1' * 16}-{'b2' * 8}-01")]
    )
    text = await metrics_of(rpc, "application/openmetrics-text; version=1.0.0")

    assert f'# {{trace_id="{"a1" * 16}"}}' in text


async def test_methods_that_do_not_exist_leave_no_trace_in_the_metrics(rpc: Any) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await rpc.channel().unary_unary("/made.up.Service/Method")(b"")

    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "made.up" not in await metrics_of(rpc)


async def test_reflection_lists_the_services(rpc: Any) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(rpc.channel())
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    answer = await call.read()
    await call.done_writing()

    names = {service.name for service in answer.list_services_response.service}
    assert {
        "safeconduct.applications.v1.ApplicationService",
        "safeconduct.enforcement.v1.StandingService",
    } < names


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("officer/none-1", "ROLE_MISSING"),
        ("officer/unknown", "UNAUTHENTICATED"),
        ("admin/a", "UNAUTHENTICATED"),
    ],
)
async def test_reflection_is_for_callers_with_a_role(
    rpc: Any, failure: Any, path: str, reason: str
) -> None:
    channel = rpc.channel(f"spiffe://safeconduct.example/{path}")
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
    failed = await failure(call.read())

    assert failed.info.reason == reason


async def test_the_service_port_accepts_only_mutual_tls(rpc: Any, request_: Any) -> None:
    async with aio.insecure_channel(f"127.0.0.1:{rpc.server.port}") as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await rpc.stub().__class__(channel).SubmitApplication(request_, timeout=5)

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


async def serial_of(rpc: Any, certificates: Path) -> int:
    """Serial number of the certificate that the server shows to a new connection."""
    identity = ca.issue(certificates, "visitor", "spiffe://safeconduct.example/partner/example-1")
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.cert, identity.key)
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", rpc.server.port, ssl=context)
    shown = x509.load_der_x509_certificate(
        writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    )
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()
    return shown.serial_number


async def test_a_renewed_certificate_is_used_without_a_restart(
    rpc: Any, request_: Any, certificates: Path, settings: ServiceSettings
) -> None:
    stub = rpc.stub()
    await stub.SubmitApplication(request_)
    before = await serial_of(rpc, certificates)
    key = settings.tls_private_key_file.read_bytes()
    settings.tls_certificate_file.unlink()
    torn = await serial_of(rpc, certificates)
    ca.issue(certificates, "server", "spiffe://safeconduct.example/service/applications")
    renewed = settings.tls_private_key_file.read_bytes()
    settings.tls_private_key_file.write_bytes(key)
    mixed = await serial_of(rpc, certificates)
    settings.tls_private_key_file.write_bytes(renewed)
    after = await serial_of(rpc, certificates)

    assert before == torn == mixed != after
    assert (
        x509.load_pem_x509_certificate(settings.tls_certificate_file.read_bytes()).serial_number
        == after
    )
    assert (
        await stub.SubmitApplication(request_)
    ).application.application_id == request_.request_id


async def test_a_port_in_use_is_an_error_and_does_not_share_the_calls(
    rpc: Any, settings: Any
) -> None:
    taken = settings.model_copy(update={"grpc_listen_address": f"127.0.0.1:{rpc.server.port}"})
    second = RpcServer(taken, tracing.setup("applications", "0"), [], lambda: None)

    with pytest.raises(RuntimeError, match="Failed to bind"):
        await second.start()
