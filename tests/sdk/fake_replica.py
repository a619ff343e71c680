"""A replica of enforcement that keeps the contract of WatchStanding, for the tests of the gate."""

# ruff: noqa: ANN001, ANN201, N802 - names and types of the methods are the contract's
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import grpc
from grpc import aio
from safeconduct.enforcement.v1 import model_pb2 as enforcement
from safeconduct.enforcement.v1 import service_pb2 as standing_rpc
from safeconduct.enforcement.v1 import service_pb2_grpc as enforcement_grpc
from safeconduct.gate import boottime

from tests.sdk.servers import reason, refuse


@dataclass
class FakeReplica(enforcement_grpc.StandingServiceServicer):
    """A fake enforcement replica: a log of standings, and the time of its newest heartbeat."""

    log: list[enforcement.Standing] = field(default_factory=list)
    known: int = 0
    tick: int = field(default_factory=boottime)
    ticks: bool = True
    answers: bool = True
    page: int = 100
    subscriptions: list[str] = field(default_factory=list)
    etags: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    renewals: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, *standings: enforcement.Standing) -> None:
        """Appends standings to the log, which is then known to its end."""
        self.log.extend(standings)
        self.learn()

    def learn(self, tick: int | None = None) -> None:
        self.known = len(self.log)
        self.tick = boottime() if tick is None else tick
        self.changed.set()
        self.changed = asyncio.Event()

    async def CheckAccess(self, request, context):
        await refuse(context, grpc.StatusCode.UNIMPLEMENTED, "not here", reason("NONE"))

    async def GetLicenseTimeline(self, request, context):
        if not self.etags:
            await refuse(context, grpc.StatusCode.UNIMPLEMENTED, "not here", reason("NONE"))
        if request.license_id not in self.etags:
            await refuse(
                context, grpc.StatusCode.NOT_FOUND, "no license of this id", reason("NOT_FOUND")
            )
        timeline = standing_rpc.GetLicenseTimelineResponse(etag=self.etags[request.license_id])
        if request.license_id in self.pending:
            timeline.pending_reinstatement.reinstatement_id = self.pending[request.license_id]
        return timeline

    async def WatchStanding(self, request_iterator, context):
        first = await context.read()
        token = first.subscribe.resume_token
        self.subscriptions.append(token)
        if token and not token.isdigit():
            await refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, "unknown token", reason("INVALID_TOKEN")
            )
        position = await self._begin(context, token)
        reader, waits = asyncio.create_task(context.read()), []
        try:
            while True:
                # Taken before anything is looked at: what is told while something is being sent
                # still wakes the wait.
                waits = [
                    asyncio.create_task(self.changed.wait()),
                    asyncio.create_task(self.ended.wait()),
                ]
                if self.ended.is_set():
                    await refuse(context, grpc.StatusCode.UNAVAILABLE, "ending", reason("DRAINING"))
                while position < (known := self.known):
                    await self._send(context, self.log[position:known], known)
                    position = known
                if reader.done():
                    message = reader.result()
                    if message is aio.EOF:
                        return
                    reader = asyncio.create_task(context.read())
                    self.renewals += 1
                    if self.answers:
                        self.tick = boottime() if self.ticks else self.tick
                        age = boottime() - self.tick
                        lease = standing_rpc.WatchStandingResponse.Lease(
                            sequence=message.renew.sequence, knowledge_age_ns=age
                        )
                        await context.write(standing_rpc.WatchStandingResponse(lease=lease))
                await asyncio.wait([reader, *waits], return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
        finally:
            for task in (reader, *waits):
                task.cancel()

    async def _begin(self, context, token: str) -> int:
        if token:
            return int(token)
        known = self.known
        latest = list({one.license_id: one for one in self.log[:known]}.values())
        pages = [latest[at : at + self.page] for at in range(0, len(latest), self.page)] or [[]]
        for number, page in enumerate(pages, 1):
            await self._send(context, page, known, is_snapshot=True, has_more=number < len(pages))
        return known

    async def _send(self, context, standings, position: int, **flags: bool) -> None:
        changes = standing_rpc.WatchStandingResponse.StandingChanges(
            standings=standings, resume_token=str(position), **flags
        )
        await context.write(standing_rpc.WatchStandingResponse(changes=changes))

    def register(self, server: aio.Server) -> None:
        enforcement_grpc.add_StandingServiceServicer_to_server(self, server)
