"""How a call ended: which refusal an exception becomes, and how that looks on the call's span.

A refusal of business is a result, a fault is an error; only faults are logged with where they came from.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Final

import grpc
import structlog
from opentelemetry.trace import Span, Status, StatusCode

from chassis.rpc.errors import CommonReason, RpcError, is_storage_fault, unavailable
from chassis.telemetry import semconv
from chassis.telemetry.tracing import exception_types

log = structlog.get_logger()

STORAGE_RETRY_SECONDS: Final = 1.0

_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_DELIBERATE: Final = frozenset(
    {CommonReason.DRAINING, CommonReason.SLOW_CONSUMER, CommonReason.NOT_READY}
)
"""UNAVAILABLE on purpose: the client goes elsewhere or comes back, nobody needs to be called."""


@dataclass(slots=True)
class Call:
    """What is known of one call while it runs."""

    method: str
    span: Span
    is_stream: bool
    begun: float = field(default_factory=time.perf_counter)
    principal: str = ""
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    error_ref: str = ""


def refusal_of(call: Call, exception: Exception) -> RpcError:
    """What the caller is told of this exception: itself if it is `RpcError`, else a fault of storage or of ours."""
    if isinstance(exception, ExceptionGroup):  # of a handler's TaskGroup
        refusals, others = exception.split(RpcError)
        if refusals is not None and others is None:
            exception = _first(refusals)
    if isinstance(exception, RpcError):
        return exception
    if is_storage_fault(exception):
        log.warning("storage_unavailable", method=call.method, exception=exception_types(exception))
        message = "the database did not answer; call again with the same request id"
        return unavailable(CommonReason.STORAGE_UNAVAILABLE, message, STORAGE_RETRY_SECONDS)
    return unhandled(call, exception)


def _first(group: ExceptionGroup[RpcError]) -> RpcError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner


def unhandled(call: Call, exception: BaseException) -> RpcError:
    """INTERNAL with a reference; the log line of that reference says where it was raised."""
    call.error_ref = uuid.uuid4().hex
    log.error("unhandled", method=call.method, error_ref=call.error_ref, exc_info=exception)
    message = "a promise inside the service was broken; its operators find the cause by errorRef"
    return RpcError(
        grpc.StatusCode.INTERNAL, CommonReason.INTERNAL, message, {"errorRef": call.error_ref}
    )


def describe(call: Call) -> None:
    """On the span: a refusal of business leaves the status UNSET, a fault is an ERROR that shows its reason only."""
    attributes = {semconv.RPC_STATUS: call.code.name}
    if call.principal:
        attributes[semconv.PRINCIPAL] = call.principal
    if call.error_ref:
        attributes[semconv.ERROR_REF] = call.error_ref
    if call.code in _FAULTS and call.reason and call.reason not in _DELIBERATE:
        attributes[semconv.ERROR_TYPE] = call.reason
        call.span.set_status(Status(StatusCode.ERROR, call.reason))
    elif call.reason:
        attributes[semconv.REFUSAL] = call.reason
    call.span.set_attributes(attributes)
