"""Keeps every caller within its limits. Makes errors of refusals and counts them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import grpc
from prometheus_client import CollectorRegistry, Counter

from chassis.rpc.admission import Admission, Exceeded, Refusal
from chassis.rpc.authentication import Principal
from chassis.rpc.errors import CommonReason, RpcError, retry_info
from chassis.rpc.limits import Limit
from chassis.rpc.limits_file import LimitsFile
from chassis.telemetry import semconv


class CallLimits:
    """The limits of all callers of one server."""

    def __init__(
        self,
        file: LimitsFile,
        registry: CollectorRegistry,
        admission: Admission | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._clock = file, clock
        self._admission = admission or Admission()
        self._refused = Counter(
            semconv.METRIC_RPC_REFUSED,
            "Calls that exceeded a limit",
            ["kind", "reason"],
            registry=registry,
        )

    async def enter(self, principal: Principal, *, is_stream: bool) -> None:
        """Returns if the call may begin; `leave` must follow. Raises RpcError if it may not.

        A caller that keeps calling although it is refused gets the error later.
        """
        name = principal.name
        limit = self._file.current().of(principal.kind, name)
        refusal = self._admission.enter(
            principal.kind, name, limit, self._clock(), is_stream=is_stream
        )
        if refusal is None:
            return
        error = _ERRORS[refusal.exceeded](limit, refusal)
        self._refused.labels(principal.kind, error.reason).inc()
        if refusal.hold_s:
            try:
                await asyncio.sleep(refusal.hold_s)
            finally:
                self._admission.release(name)
        raise error

    def charge(self, principal: Principal, size: int) -> None:
        """Counts the bytes of the request of a call that began."""
        self._admission.charge(principal.name, size)

    def leave(self, principal: Principal, *, is_stream: bool) -> None:
        """Ends a call that began."""
        self._admission.leave(principal.name, is_stream=is_stream)


def _exhausted(
    reason: CommonReason, refusal: Refusal, sentence: str, metadata: Mapping[str, str]
) -> RpcError:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    return RpcError(code, reason, sentence, metadata, retry_info(refusal.retry_after_s))


def _rate_limited(limit: Limit, refusal: Refusal) -> RpcError:
    rate = f"{limit.calls_per_second:g}"
    sentence = f"you may make {rate} calls a second; call again in {refusal.retry_after_s:.1f} s"
    metadata = {"callsPerSecond": rate}
    return _exhausted(CommonReason.RATE_LIMITED, refusal, sentence, metadata)


def _too_many_calls(limit: Limit, refusal: Refusal) -> RpcError:
    most = str(limit.concurrent_calls)
    sentence = f"you may have {most} calls at the same time; call again when one has ended"
    return _exhausted(CommonReason.TOO_MANY_CALLS, refusal, sentence, {"maximumCalls": most})


def _too_many_streams(limit: Limit, refusal: Refusal) -> RpcError:
    most = str(limit.streams)
    sentence = f"you may have {most} streams open at the same time; close one first"
    return _exhausted(CommonReason.TOO_MANY_STREAMS, refusal, sentence, {"maximumStreams": most})


def _overloaded(limit: Limit, refusal: Refusal) -> RpcError:
    message = "this server has as many calls as it takes; another server may answer"
    code = grpc.StatusCode.UNAVAILABLE
    return RpcError(code, CommonReason.OVERLOADED, message, None, retry_info(refusal.retry_after_s))


_ERRORS: Final[Mapping[Exceeded, Callable[[Limit, Refusal], RpcError]]] = {
    Exceeded.RATE: _rate_limited,
    Exceeded.CALLS: _too_many_calls,
    Exceeded.STREAMS: _too_many_streams,
    Exceeded.CAPACITY: _overloaded,
}
