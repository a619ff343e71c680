"""One stream of standings: subscribes, renews the lease, and applies what the service sends.

Fills a `Knowledge` and remembers the resume token over several streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import grpc
from grpc import aio

from safeconduct.enforcement.v1 import service_pb2 as service
from safeconduct.enforcement.v1 import service_pb2_grpc as stubs
from safeconduct.errors import SafeconductError
from safeconduct.knowledge import Knowledge
from safeconduct.rpc.status import from_rpc
from safeconduct.standing import CAPABILITIES, NANOSECONDS, Standing
from safeconduct.standing_message import decode_standing

SNAPSHOT_LIMIT_NS: Final = 10 * NANOSECONDS
"""Longest wait for a lease while the snapshot is being sent."""
ANSWER_LIMIT_NS: Final = 2 * NANOSECONDS
"""Longest wait for a lease afterwards, if renewals are not further apart than that."""

_Call = aio.StreamStreamCall[service.WatchStandingRequest, service.WatchStandingResponse]


class StandingStream:
    """Follows streams of standings, one after the other, each after the token of the last.

    `on_message` is called for each message, `on_changes` with the standings that are newer than the
    known ones, and `on_lease` after each lease with whether its replica lags.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        clock: Callable[[], int],
        *,
        on_message: Callable[[], None],
        on_changes: Callable[[Sequence[Standing]], None],
        on_lease: Callable[[bool], None],
    ) -> None:
        self.token = ""
        self._knowledge, self._clock = knowledge, clock
        self._on_message, self._on_changes, self._on_lease = on_message, on_changes, on_lease

    async def follow(
        self, channel: aio.Channel, metadata: Iterable[tuple[str, str]]
    ) -> SafeconductError:
        """Runs one stream until it breaks, and returns the error."""
        self._knowledge.start_stream(resumes=bool(self.token))
        # Step of the model: OpenStream
        call = stubs.StandingServiceStub(channel).WatchStanding(metadata=tuple(metadata))
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
            # Step of the model: BreakStream
            call.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            # Here, so that asyncio logs none as not retrieved if the gate is being closed.
            errors = [task.exception() for task in tasks if not task.cancelled()]
        return _cause(errors)

    async def _renew(self, call: _Call, sent: dict[int, int]) -> None:
        """Subscribes, then sends a renewal about every third of a lease."""
        subscribe = service.WatchStandingRequest.Subscribe(
            resume_token=self.token, capabilities=sorted(CAPABILITIES)
        )
        await call.write(service.WatchStandingRequest(subscribe=subscribe))
        sequence = 0
        while True:
            sequence += 1
            # Read before the renewal is written: time in a buffer must make the knowledge look
            # older.
            # Step of the model: SendRenewal
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
                raise unavailable("LEASE_NOT_ANSWERED", message)
            wake = min(due, overdue) if sent else due
            await asyncio.sleep(min(max(wake - now, 0) / NANOSECONDS + 0.001, 0.5))

    def _answer_limit(self) -> int:
        if not self._knowledge.is_complete:
            return SNAPSHOT_LIMIT_NS
        return max(ANSWER_LIMIT_NS, self._knowledge.renew_every())

    async def _read(self, call: _Call, sent: dict[int, int]) -> None:
        async for message in call:
            self._on_message()
            if message.HasField("changes"):
                self._apply_changes(message.changes)
            elif message.HasField("lease"):
                self._apply_lease(message.lease, sent)
        raise unavailable("STREAM_ENDED", "enforcement ended the stream")

    def _apply_changes(self, changes: service.WatchStandingResponse.StandingChanges) -> None:
        standings = [decode_standing(standing) for standing in changes.standings]
        changed = self._knowledge.apply_changes(
            standings, is_snapshot=changes.is_snapshot, has_more=changes.has_more
        )
        if not changes.has_more:
            # A token inside a snapshot would skip the part that was not sent yet.
            self.token = changes.resume_token or self.token
        self._on_changes(changed)

    def _apply_lease(
        self, lease: service.WatchStandingResponse.Lease, sent: dict[int, int]
    ) -> None:
        sent_at = sent.pop(lease.sequence, None)
        if sent_at is None or not self._knowledge.apply_lease(sent_at, lease.knowledge_age_ns):
            return
        lags = lease.knowledge_age_ns > 2 * self._knowledge.renew_every()
        self._on_lease(lags)
        if lags:
            raise unavailable(
                "REPLICA_LAGS",
                f"the replica's knowledge is {lease.knowledge_age_ns / NANOSECONDS:.1f} s old",
            )


def unavailable(reason: str, message: str) -> SafeconductError:
    """Returns an UNAVAILABLE error that no service sent."""
    return SafeconductError(grpc.StatusCode.UNAVAILABLE, reason, message)


def unexpected(error: BaseException) -> SafeconductError:
    """Returns the error for a fault in this package or the service."""
    message = f"{type(error).__name__}: {error}"
    return SafeconductError(grpc.StatusCode.INTERNAL, "UNEXPECTED", message)


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
            # The gate reconnects, and denies until it knows again.
            return unexpected(error)
    return unavailable("STREAM_ENDED", "the stream to enforcement ended")
