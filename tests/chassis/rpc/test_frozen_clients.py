"""A client that is paused or dead does not hold a stopping server."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from safeconduct.applications.v1 import service_pb2
from safeconduct.enforcement.v1 import service_pb2 as enforcement_pb2

from chassis.rpc.server import OPTIONS
from infra.local import certificate_authority as ca
from tests.chassis.rpc.conftest import serving
from tests.sdk.servers import eventually

# Half of the 20 s that gRPC itself waits for a client that does not close its connection. The calls
# of these tests may last an hour.
LIMIT_SECONDS = 10
CLIENT = """
import asyncio, sys
import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from safeconduct.applications.v1 import service_pb2, service_pb2_grpc
from safeconduct.enforcement.v1 import service_pb2 as enforcement_pb2
from safeconduct.enforcement.v1 import service_pb2_grpc as enforcement

async def main(port, ca, cert, key, kind):
    ca, cert, key = (open(file, "rb").read() for file in (ca, cert, key))
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    target = f"127.0.0.1:{port}"
    plain, secure = aio.insecure_channel(target), aio.secure_channel(target, credentials)
    async with plain if kind == "a health watch" else secure as channel:
        await channel.channel_ready()
        if kind == "a health watch":
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            await watch.read()
        elif kind == "a gate's stream":
            watch = enforcement.StandingServiceStub(channel).WatchStanding()
            await watch.write(enforcement_pb2.WatchStandingRequest(renew={"sequence": 1}))
            await watch.read()
        elif kind != "no call":
            stub = service_pb2_grpc.ApplicationServiceStub(channel)
            watch = stub.WatchApplications(service_pb2.WatchApplicationsRequest())
            await watch.read()
        print("connected", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture
async def frozen_client(certificates: Path) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Returns a function that connects a client process, and one that pauses all of them."""
    async with AsyncExitStack() as undo:

        async def connect(port: int, kind: str) -> Callable[[], Awaitable[None]]:
            caller = "gate/example-1/gate-1" if kind == "a gate's stream" else "partner/example-1"
            uri = f"spiffe://safeconduct.example/{caller}"
            identity = ca.issue(certificates, caller.replace("/", "-"), uri)
            files = (str(file) for file in (identity.ca, identity.cert, identity.key))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", CLIENT, str(port), *files, kind),
                stdout=asyncio.subprocess.PIPE,
            )
            undo.push_async_callback(process.wait)
            undo.callback(process.kill)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"connected\n"

            async def pause() -> None:
                process.send_signal(signal.SIGSTOP)
                await eventually(lambda: is_stopped(process.pid))

            return pause

        yield connect


async def never_stops_sending(request: Any, context: Any) -> AsyncIterator[Any]:
    while True:
        yield service_pb2.WatchApplicationsResponse(resume_token="t" * 100_000)


async def answers_each(requests: Any, context: Any) -> AsyncIterator[Any]:
    async for _ in requests:
        yield enforcement_pb2.WatchStandingResponse()


@pytest.mark.parametrize(
    "kind",
    [
        "no call",
        "a watch",
        "a watch that sends more than is read",
        "a gate's stream",
        "a health watch",
    ],
)
async def test_a_paused_client_does_not_hold_the_stop(
    rpc_with_long_grace: Any, frozen_client: Any, kind: str
) -> None:
    rpc = rpc_with_long_grace
    rpc.standing.watch = answers_each
    if kind == "a watch that sends more than is read":
        rpc.applications.watch = never_stops_sending
    port = rpc.server.health_port if kind == "a health watch" else rpc.server.port
    pause = await frozen_client(port, kind)
    await pause()
    async with asyncio.timeout(LIMIT_SECONDS):
        await rpc.server.drain()


@pytest.mark.parametrize("kind", ["no call", "a watch"])
async def test_keepalive_closes_the_connection_of_a_paused_client_before_any_stop(
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    spans: Any,
    certificates: Path,
    kind: str,
    frozen_client: Any,
) -> None:
    names = ("keepalive_time_ms", "keepalive_timeout_ms", "http2.ping_timeout_ms")
    short = {f"grpc.{name}": 200 for name in names}
    assert short.keys() <= dict(OPTIONS).keys()
    monkeypatch.setattr("chassis.rpc.server.OPTIONS", tuple((dict(OPTIONS) | short).items()))
    async with serving(settings, spans, certificates, deadline_s=60, grace_s=5) as rpc:
        pause = await frozen_client(rpc.server.port, kind)
        assert has_connection(rpc.server.port)
        await pause()

        await eventually(lambda: not has_connection(rpc.server.port))


def has_connection(port: int) -> bool:
    """Whether a server of this process has an open connection on the port."""
    tables = [Path(f"/proc/self/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    established = "01"
    return any(row[1].endswith(f":{port:04X}") and row[3] == established for row in rows)


async def test_a_call_of_another_client_finishes_beside_a_paused_one(
    rpc_with_long_grace: Any, frozen_client: Any, request_: Any
) -> None:
    rpc, begun, may_end = rpc_with_long_grace, asyncio.Event(), asyncio.Event()
    rpc.applications.watch = never_stops_sending

    async def waits(request: Any, context: Any) -> Any:
        begun.set()
        await may_end.wait()
        return await rpc.applications.store(request, context)

    rpc.applications.submit = waits
    pause = await frozen_client(rpc.server.port, "a watch that sends more than is read")
    await pause()
    call = asyncio.ensure_future(rpc.stub().SubmitApplication(request_))
    await begun.wait()
    draining = asyncio.ensure_future(rpc.server.drain())
    await asyncio.wait({draining, call}, timeout=3)  # longer than a paused client is waited for
    is_waiting = not draining.done() and not call.done()
    may_end.set()

    assert is_waiting
    assert (await call).application.application_id == request_.request_id
    async with asyncio.timeout(LIMIT_SECONDS):
        await draining
