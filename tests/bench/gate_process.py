"""Many gates in one process: bare WatchStanding streams that record when each sees a revocation.

A gate of `safeconduct.gate` has a process of its own. Here a thousand share one process, so each
does the minimum: it reads the message, stores the state and renews about as often as the real gate.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop
from grpc import aio
from safeconduct.channel import OPTIONS, Credentials, Endpoints
from safeconduct.enforcement.v1 import model_pb2, service_pb2, service_pb2_grpc
from safeconduct.standing import CAPABILITIES

from tests.bench.child_processes import HANG_S, lines, respond, settings

CHANNELS: Final = 20
RENEW_S: Final = 20.0
"""A third of the 60 s lease, as in `safeconduct.gate`."""


@dataclass(slots=True)
class Crowd:
    """All gates, with the license they wait for and the time of each denial."""

    license_id: str = ""
    denied_at: list[int] = field(default_factory=list)
    ready: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def saw(self, changes: service_pb2.WatchStandingResponse.StandingChanges) -> None:
        """Records a message of one gate."""
        for standing in changes.standings:
            if (
                standing.license_id == self.license_id
                and standing.state == model_pb2.STANDING_STATE_REVOKED
            ):
                self.denied_at.append(time.monotonic_ns())
                self.changed.set()

    async def until(self, count: int) -> None:
        """Waits until `count` gates have denied."""
        async with asyncio.timeout(HANG_S):
            while len(self.denied_at) < count:
                self.changed.clear()
                await self.changed.wait()


async def gate(stub: Any, crowd: Crowd) -> None:
    """Runs the stream of one gate."""
    call = stub.WatchStanding()
    await call.write(
        service_pb2.WatchStandingRequest(
            subscribe=service_pb2.WatchStandingRequest.Subscribe(capabilities=sorted(CAPABILITIES))
        )
    )
    renewing = asyncio.create_task(_renew(call))
    has_begun = False
    try:
        async for message in call:
            crowd.saw(message.changes)
            if not has_begun and message.HasField("changes") and not message.changes.has_more:
                has_begun, crowd.ready = True, crowd.ready + 1
                crowd.changed.set()
    finally:
        renewing.cancel()


async def _renew(call: Any) -> None:
    await asyncio.sleep(random.uniform(0, RENEW_S))
    sequence = 0
    while True:
        sequence += 1
        await call.write(
            service_pb2.WatchStandingRequest(
                renew=service_pb2.WatchStandingRequest.Renew(sequence=sequence)
            )
        )
        await asyncio.sleep(RENEW_S)


async def main(count: int) -> None:
    """Opens the streams; then answers each license id with the times of the denials."""
    credentials, target = Credentials.from_env(), Endpoints.from_env().target("enforcement")
    own = (*OPTIONS, ("grpc.use_local_subchannel_pool", 1))
    channels = [
        aio.secure_channel(target, credentials.tls(), options=own)
        for _ in range(min(count, CHANNELS))
    ]
    stubs = [service_pb2_grpc.StandingServiceStub(channel) for channel in channels]
    crowd = Crowd()
    gates = [asyncio.create_task(gate(stubs[n % len(stubs)], crowd)) for n in range(count)]
    async with asyncio.timeout(HANG_S):
        while crowd.ready < count:
            crowd.changed.clear()
            await crowd.changed.wait()
    respond({"ready": crowd.ready})
    async for license_id in lines():
        crowd.license_id, crowd.denied_at = license_id, []
        respond({"waiting": True})
        await crowd.until(count)
        respond(sorted(crowd.denied_at))
    for each in gates:
        each.cancel()
    await asyncio.gather(*gates, return_exceptions=True)


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main(settings()["count"]))
