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

from safeconduct.backoff import Backoff
from safeconduct.channel import Credentials, Endpoints
from safeconduct.clock import ElapsedClock, boottime
from safeconduct.errors import SafeconductError
from safeconduct.gate_connections import GateConnections
from safeconduct.knowledge import Knowledge
from safeconduct.rpc.calls import MetadataSource, no_metadata
from safeconduct.standing import (
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
from safeconduct.standing_stream import StandingStream, unavailable, unexpected

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

_PERMANENT: Final = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,  # GATE_TOO_OLD
    }
)


def utc_now() -> datetime:
    """The wall clock, which is used only for the validity of a license."""
    return datetime.now(timezone.utc)


class Gate:
    """Decides accesses from its own copy of the standings. Use it with `async with`.

    `check` may be called from any thread. `endpoints`: addresses of enforcement, tried in turn; one
    address that resolves to several replicas works as well. `credentials` that were read from files
    are read again before each stream. `clock`: returns nanoseconds, by default those of
    `safeconduct.clock.ElapsedClock`. `metadata`: called before each stream; if it raises, the gate
    tries again.
    """

    def __init__(
        self,
        endpoints: str | Sequence[str],
        credentials: Credentials,
        *,
        clock: Callable[[], int] | None = None,
        wall_clock: Callable[[], datetime] = utc_now,
        metadata: MetadataSource = no_metadata,
    ) -> None:
        self._endpoints = [endpoints] if isinstance(endpoints, str) else list(endpoints)
        if not self._endpoints:
            message = "a gate needs an address of enforcement"
            raise ValueError(message)
        self._credentials = credentials
        self._clock = clock or ElapsedClock()
        self._wall_clock = wall_clock
        self._metadata = metadata
        self._knowledge = Knowledge()
        self._stream = StandingStream(
            self._knowledge,
            self._clock,
            on_message=self._note_message,
            on_changes=self._publish,
            on_lease=self._note_lease,
        )
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
                raise self._fault or unavailable("NOT_READY", f"no lease within {timeout:g} s")
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
        """Keeps a stream to one replica after the other until it is cancelled."""
        connections = GateConnections(self._endpoints, self._credentials)
        try:
            while True:
                fault = await self._follow(connections)
                if fault.reason == "INVALID_TOKEN":
                    self._stream.token = ""
                elif fault.reason == "REPLICA_LAGS":
                    await connections.leave_replica()
                self._fault = connections.explained(fault, self._wall_clock())
                await asyncio.sleep(self._backoff.step(fault.retry_after or 0.0))
        finally:
            await connections.close()

    async def _follow(self, connections: GateConnections) -> SafeconductError:
        """Runs one stream until it breaks, and returns the error."""
        try:
            metadata = tuple(self._metadata())
        except Exception as error:  # noqa: BLE001 - the caller's function; the gate must go on
            message = f"the metadata of the stream: {type(error).__name__}: {error}"
            return SafeconductError(grpc.StatusCode.INTERNAL, "METADATA_FAILED", message)
        try:
            return await self._stream.follow(await connections.next(), metadata)
        except Exception as error:  # noqa: BLE001 - a gate without its task would never know again
            return unexpected(error)

    def _note_message(self) -> None:
        self._fault = None

    def _note_lease(self, lags: bool) -> None:
        self._confirmed.set()
        if not lags:
            self._backoff.reset()

    def _publish(self, changed: Sequence[Standing]) -> None:
        for follower in self._followers:
            follower.add(changed)


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
