"""The gate in front of a model: follows a partner's standings and decides each access.

If a license is revoked or suspended, no access is allowed later than one lease after that order was
committed, even if Kafka, a database or the network is down. `safeconduct.standing` holds the rule,
`safeconduct.knowledge` the state; this module holds the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Final

import grpc
from grpc import aio

from safeconduct.backoff import Backoff
from safeconduct.channel import Credentials, Endpoints, open_channel
from safeconduct.clock import boottime
from safeconduct.enforcement.v1 import service_pb2 as service
from safeconduct.enforcement.v1 import service_pb2_grpc as stubs
from safeconduct.errors import SafeconductError
from safeconduct.knowledge import Knowledge
from safeconduct.rpc.calls import MetadataSource, no_metadata
from safeconduct.rpc.status import from_rpc
from safeconduct.standing import (
    CAPABILITIES,
    NANOSECONDS,
    Access,
    AccessMode,
    AccessVerdict,
    Clause,
    EndUse,
    Grant,
    MeasureKind,
    Standing,
    StandingCause,
    StandingState,
    Verdict,
    judge,
)
from safeconduct.standing_message import decode_standing

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Access",
    "AccessMode",
    "AccessVerdict",
    "Clause",
    "EndUse",
    "Gate",
    "Grant",
    "MeasureKind",
    "Standing",
    "StandingCause",
    "StandingState",
    "Verdict",
    "boottime",
    "decode_standing",
]

SNAPSHOT_LIMIT_NS: Final = 10 * NANOSECONDS
"""Longest wait for a lease while the snapshot is being sent."""
ANSWER_LIMIT_NS: Final = 2 * NANOSECONDS
"""Longest wait for a lease afterwards, if renewals are not further apart than that."""
_PERMANENT: Final = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INVALID_ARGUMENT,
    }
)

_Stream = aio.StreamStreamCall[service.WatchStandingRequest, service.WatchStandingResponse]


def utc_now() -> datetime:
    """The wall clock, which is used only for the validity of a license."""
    return datetime.now(timezone.utc)


class Gate:
    """Decides accesses from its own copy of the standings. Use it with `async with`.

    `check` may be called from any thread. `endpoints`: addresses of enforcement, tried in turn; one
    address that resolves to several replicas works as well. `clock`: returns nanoseconds, see
    `safeconduct.clock.boottime`. `metadata`: called before each stream.
    """

    def __init__(
        self,
        endpoints: str | Sequence[str],
        credentials: Credentials,
        *,
        clock: Callable[[], int] = boottime,
        wall_clock: Callable[[], datetime] = utc_now,
        metadata: MetadataSource = no_metadata,
    ) -> None:
        self._endpoints = [endpoints] if isinstance(endpoints, str) else list(endpoints)
        if not self._endpoints:
            message = "a gate needs an address of enforcement"
            raise ValueError(message)
        self._credentials = credentials
        self._clock = clock
        self._wall_clock = wall_clock
        self._metadata = metadata
        self._knowledge = Knowledge()
        self._token = ""
        self._backoff = Backoff()
        self._fault: SafeconductError | None = None
        self._confirmed = asyncio.Event()
        self._followers: list[_Follower] = []
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_env(cls) -> Self:
        """A gate from the variables SAFECONDUCT_ENFORCEMENT, _CA, _CERT and _KEY."""
        return cls(Endpoints.from_env().target("enforcement"), Credentials.from_env())

    def check(
        self,
        license_id: str,
        model_id: str,
        access_mode: str,
        destination: str,
        end_use: str,
        *,
        now: datetime | None = None,
    ) -> Verdict:
        """Returns whether this access is allowed now. Takes microseconds and never waits.

        `access_mode` is a name of AccessMode without prefix, `destination` is ISO 3166-1 alpha-2,
        `end_use` a name of EndUse without prefix, and `now` the wall clock in UTC.
        """
        # The age is read first: the standing that is read next is at least as new as that age says.
        age_ns = self._knowledge.age_ns(self._clock())
        standing = self._knowledge.standings.get(license_id)
        return judge(
            standing,
            Access(license_id, model_id, access_mode, destination, end_use),
            now or self._wall_clock(),
            age_ns,
        )

    @property
    def knowledge_age(self) -> float:
        """Knowledge age in seconds; infinite before the first lease."""
        age_ns = self._knowledge.age_ns(self._clock())
        return float("inf") if age_ns is None else age_ns / NANOSECONDS

    @property
    def standings(self) -> Mapping[str, Standing]:
        """A copy of all known standings by license id."""
        return dict(self._knowledge.standings)

    @property
    def fault(self) -> SafeconductError | None:
        """The error that broke the stream last; None while it runs."""
        return self._fault

    async def ready(self, timeout: float = 10.0) -> None:
        """Waits until the gate knows the standing of all its licenses.

        Raises SafeconductError if that takes longer than `timeout` seconds, or if the service
        refuses this identity.
        """
        give_up = asyncio.get_running_loop().time() + timeout
        while not self._confirmed.is_set():
            if self._fault and self._fault.code in _PERMANENT:
                raise self._fault
            left = give_up - asyncio.get_running_loop().time()
            if left <= 0:
                raise self._fault or _unavailable("NOT_READY", f"no lease within {timeout:g} s")
            try:
                await asyncio.wait_for(self._confirmed.wait(), min(left, 0.1))
            except asyncio.TimeoutError:
                continue

    async def changes(self) -> AsyncGenerator[Standing]:
        """Yields all known standings, then every change.

        If a standing changes faster than the caller reads, the caller receives the latest one.
        """
        follower = _Follower(self._knowledge.standings)
        self._followers.append(follower)
        try:
            while True:
                yield await follower.next()
        finally:
            self._followers.remove(follower)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="safeconduct-gate")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        """Keeps a stream to one endpoint after the other until it is cancelled."""
        channels: dict[str, aio.Channel] = {}
        attempt = 0
        try:
            while True:
                endpoint = self._endpoints[attempt % len(self._endpoints)]
                if endpoint not in channels:
                    channels[endpoint] = open_channel(endpoint, self._credentials)
                self._fault = await self._follow(channels[endpoint])
                if self._fault.reason == "INVALID_TOKEN":
                    self._token = ""
                attempt += 1
                await asyncio.sleep(self._backoff.step(self._fault.retry_after or 0.0))
        finally:
            await asyncio.gather(*(channel.close() for channel in channels.values()))

    async def _follow(self, channel: aio.Channel) -> SafeconductError:
        """Runs one stream until it breaks, and returns the error."""
        self._knowledge.start_stream(resumes=bool(self._token))
        call = stubs.StandingServiceStub(channel).WatchStanding(metadata=tuple(self._metadata()))
        sent: dict[int, int] = {}
        tasks = {
            asyncio.create_task(self._renew(call, sent)),
            asyncio.create_task(self._read(call, sent)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # If a write failed, the reader is about to receive the status.
            await asyncio.wait(tasks, timeout=0.1)
        finally:
            call.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return _cause([task.exception() for task in tasks if not task.cancelled()])

    async def _renew(self, call: _Stream, sent: dict[int, int]) -> None:
        """Subscribes, then sends a renewal about every third of a lease."""
        subscribe = service.WatchStandingRequest.Subscribe(
            resume_token=self._token, capabilities=sorted(CAPABILITIES)
        )
        await call.write(service.WatchStandingRequest(subscribe=subscribe))
        sequence = 0
        while True:
            sequence += 1
            # Read before the renewal is written: time in a buffer must make the knowledge look
            # older.
            sent[sequence] = self._clock()
            renew = service.WatchStandingRequest.Renew(sequence=sequence)
            write = call.write(service.WatchStandingRequest(renew=renew))
            await asyncio.wait_for(write, SNAPSHOT_LIMIT_NS / NANOSECONDS)
            await self._until_next(sent)

    async def _until_next(self, sent: dict[int, int]) -> None:
        """Waits for the next renewal time. Raises if an earlier renewal timed out."""
        begun = self._clock()
        while (now := self._clock()) < (due := begun + self._knowledge.renew_every()):
            limit = self._answer_limit()
            if sent and now > (overdue := min(sent.values()) + limit):
                message = f"enforcement did not answer a renewal within {limit / NANOSECONDS:g} s"
                raise _unavailable("LEASE_NOT_ANSWERED", message)
            wake = min(due, overdue) if sent else due
            await asyncio.sleep(min(max(wake - now, 0) / NANOSECONDS + 0.001, 0.5))

    def _answer_limit(self) -> int:
        if not self._knowledge.is_complete:
            return SNAPSHOT_LIMIT_NS
        return max(ANSWER_LIMIT_NS, self._knowledge.renew_every())

    async def _read(self, call: _Stream, sent: dict[int, int]) -> None:
        async for message in call:
            self._fault = None
            if message.HasField("changes"):
                self._apply_changes(message.changes)
            elif message.HasField("lease"):
                self._apply_lease(message.lease, sent)
        raise _unavailable("STREAM_ENDED", "enforcement ended the stream")

    def _apply_changes(self, changes: service.WatchStandingResponse.StandingChanges) -> None:
        standings = [decode_standing(standing) for standing in changes.standings]
        changed = self._knowledge.apply_changes(
            standings, is_snapshot=changes.is_snapshot, has_more=changes.has_more
        )
        if not changes.has_more:
            # A token inside a snapshot would skip the part that was not sent yet.
            self._token = changes.resume_token or self._token
        for follower in self._followers:
            follower.add(changed)

    def _apply_lease(
        self, lease: service.WatchStandingResponse.Lease, sent: dict[int, int]
    ) -> None:
        sent_at = sent.pop(lease.sequence, None)
        if sent_at is None or not self._knowledge.apply_lease(sent_at, lease.knowledge_age_ns):
            return
        self._confirmed.set()
        if len(self._endpoints) > 1 and lease.knowledge_age_ns > 2 * self._knowledge.renew_every():
            raise _unavailable(
                "REPLICA_LAGS",
                f"the replica's knowledge is {lease.knowledge_age_ns / NANOSECONDS:.1f} s old",
            )
        self._backoff.reset()


class _Follower:
    """The standings that one reader of `changes` has not read yet."""

    def __init__(self, known: Mapping[str, Standing]) -> None:
        self._pending = dict(known)
        self._arrived = asyncio.Event()

    def add(self, changed: Sequence[Standing]) -> None:
        self._pending.update((standing.license_id, standing) for standing in changed)
        self._arrived.set()

    async def next(self) -> Standing:
        while not self._pending:
            self._arrived.clear()
            await self._arrived.wait()
        return self._pending.pop(next(iter(self._pending)))


def _unavailable(reason: str, message: str) -> SafeconductError:
    return SafeconductError(grpc.StatusCode.UNAVAILABLE, reason, message)


def _cause(errors: Sequence[BaseException | None]) -> SafeconductError:
    """The error that broke a stream: that of the service, if it sent one."""
    for error in errors:
        if isinstance(error, aio.AioRpcError):
            return from_rpc(error)
    for error in errors:
        if isinstance(error, SafeconductError):
            return error
    for error in errors:
        if error is not None and not isinstance(
            error, asyncio.InvalidStateError | asyncio.TimeoutError
        ):
            # A fault in this package or the service. The gate reconnects, and denies until it knows
            # again.
            return SafeconductError(
                grpc.StatusCode.INTERNAL, "UNEXPECTED", f"{type(error).__name__}: {error}"
            )
    return _unavailable("STREAM_ENDED", "the stream to enforcement ended")
