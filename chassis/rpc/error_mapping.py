"""Maps an exception of a handler to the RpcError that the caller gets.

A refusal is a result. A fault of ours is logged with the place where it was raised.
"""

from __future__ import annotations

import uuid
from typing import Final

import grpc
import structlog

from chassis.rpc.errors import CommonReason, RpcError, unavailable
from chassis.store.storage_faults import is_storage_fault
from chassis.telemetry.logging import exception_types

log = structlog.get_logger()

STORAGE_RETRY_SECONDS: Final = 1.0
ERROR_REF: Final = "errorRef"
"""Key in the metadata of INTERNAL. Its value is in the log line of the fault."""


def to_rpc_error(exception: Exception, method: str) -> RpcError:
    """Returns the exception if it is an RpcError, else STORAGE_UNAVAILABLE or INTERNAL."""
    if isinstance(exception, ExceptionGroup):
        # A handler's TaskGroup raises one. If it holds RpcErrors only, the first one is the answer.
        errors, others = exception.split(RpcError)
        if errors is not None and others is None:
            exception = _first(errors)
    if isinstance(exception, RpcError):
        return exception
    if is_storage_fault(exception):
        log.warning("storage_unavailable", method=method, exception=exception_types(exception))
        message = "the database did not answer; repeat the call with the same request_id"
        return unavailable(CommonReason.STORAGE_UNAVAILABLE, message, STORAGE_RETRY_SECONDS)
    return internal_error(exception, method)


def internal_error(exception: BaseException, method: str) -> RpcError:
    """Returns INTERNAL with a new reference, and logs types and frames with that reference."""
    reference = uuid.uuid4().hex
    log.error("unhandled", method=method, error_ref=reference, exc_info=exception)
    message = "internal error of the service; its operators find the cause by errorRef"
    return RpcError(
        grpc.StatusCode.INTERNAL, CommonReason.INTERNAL, message, {ERROR_REF: reference}
    )


def _first(group: ExceptionGroup[RpcError]) -> RpcError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner
