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

from infra.local import certificate_authority as ca
from tests.sdk.servers import eventually

# Half of the 20 s that gRPC itself waits for a client that does not close its connection. The calls
# of these tests may last an hour.
LIMIT_SECONDS = 10
CLIENT = """
import asyncio, sys
import grpc
from grpc import aio
from safeconduct.applications.v1 import service_pb2, service_pb2_grpc

async def main(port, ca, cert, key, kind):
    ca, cert, key = (open(file, "rb").read() for file in (ca, cert, key))
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    async with aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        stub = service_pb2_grpc.ApplicationServiceStub(channel)
        await channel.channel_ready()
        if kind != "no call":
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
            uri = "spiffe://safeconduct.example/partner/example-1"
            identity = ca.issue(certificates, "frozen", uri)
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


@pytest.mark.parametrize("kind", ["no call", "a watch", "a watch that sends more than is read"])
async def test_a_paused_client_does_not_hold_the_stop(
    rpc_with_long_grace: Any, frozen_client: Any, kind: str
) -> None:
    rpc = rpc_with_long_grace
    if kind == "a watch that sends more than is read":
        rpc.applications.watch = never_stops_sending
    pause = await frozen_client(rpc.server.port, kind)
    await pause()
    async with asyncio.timeout(LIMIT_SECONDS):
        await rpc.server.drain()


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
