"""Errors that a handler raises, and their form on the wire.

On the wire an error is a `google.rpc.Status` with `ErrorInfo`. It never holds the text of an
exception. Knows the common reasons; the reasons of the services are plain strings here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

MAX_VIOLATIONS: Final = 40
MAX_VIOLATION_BYTES: Final = 5_400
"""A peer may drop trailers above 8 KiB and always drops those above 16 KiB. Base64 adds a third."""

_MAX_MESSAGE_CHARACTERS: Final = 500
_MAX_METADATA_CHARACTERS: Final = 200


class CommonReason(StrEnum):
    """`safeconduct.options.v1.CommonReason` without its prefix; a test compares the two."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    ROLE_MISSING = "ROLE_MISSING"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    STALE_ETAG = "STALE_ETAG"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105 - a reason, not a secret
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    DRAINING = "DRAINING"
    SERVER_DEADLINE = "SERVER_DEADLINE"
    CONTENTION = "CONTENTION"
    INTERNAL = "INTERNAL"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    NOT_READY = "NOT_READY"
    NEWER_STATE = "NEWER_STATE"
    RECORD_TOO_LARGE = "RECORD_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    TOO_MANY_CALLS = "TOO_MANY_CALLS"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    OVERLOADED = "OVERLOADED"
    FIRST_MESSAGE_LATE = "FIRST_MESSAGE_LATE"
    DATABASE_BUSY = "DATABASE_BUSY"
    PARTNER_UNKNOWN = "PARTNER_UNKNOWN"
    PARTNER_SUSPENDED = "PARTNER_SUSPENDED"


class RpcError(Exception):
    """Ends a call with a status other than OK.

    `ErrorInfo` is made of `reason` and `metadata` and must not be among `details`. Raises
    ValueError if two details have the same type.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *details: Message,
    ) -> None:
        super().__init__(f"{code.name} {reason}")
        names = [
            error_details_pb2.ErrorInfo.DESCRIPTOR.full_name,
            *(detail.DESCRIPTOR.full_name for detail in details),
        ]
        if len(set(names)) < len(names):
            raise ValueError(f"two details have the same type: {', '.join(names)}")
        self.code = code
        self.reason = str(reason)
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.details = details


class FieldFaultLike(Protocol):
    """A fault of one field. Every core has a frozen dataclass of this shape."""

    @property
    def path(self) -> str: ...  # noqa: D102 - for instance details.parties[2].country
    @property
    def reason(self) -> str: ...  # noqa: D102 - UPPER_SNAKE
    @property
    def description(self) -> str: ...  # noqa: D102 - a sentence for a person


class RefusalLike(Protocol):
    """A refusal of a core as a value. Every core has a frozen dataclass of this shape."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - a key of CODES
    @property
    def reason(self) -> str: ...  # noqa: D102 - the service's ErrorReason without its prefix
    @property
    def message(self) -> str: ...  # noqa: D102 - a sentence for a person
    @property
    def metadata(self) -> Mapping[str, str]: ...  # noqa: D102 - the variable parts of the message
    @property
    def fields(self) -> Sequence[FieldFaultLike]: ...  # noqa: D102 - of an INVALID request


CODES: Final[Mapping[str, grpc.StatusCode]] = {
    "INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "PRECONDITION": grpc.StatusCode.FAILED_PRECONDITION,
    "PERMISSION": grpc.StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "ABORTED": grpc.StatusCode.ABORTED,
}
"""Status code by the kind of a refusal."""


def rpc_error(refusal: RefusalLike) -> RpcError:
    """Returns the error for a refusal of a core.

    It carries `BadRequest` if the refusal has fields, and `PreconditionFailure` if its kind is
    PRECONDITION. Raises KeyError for a kind that CODES does not have.
    """
    details: list[Message] = []
    if refusal.fields:
        details.append(
            bad_request((fault.path, fault.reason, fault.description) for fault in refusal.fields)
        )
    if refusal.kind == "PRECONDITION":
        violation = error_details_pb2.PreconditionFailure.Violation(
            type=refusal.reason,
            subject=refusal.metadata.get("subject", ""),
            description=refusal.message,
        )
        details.append(error_details_pb2.PreconditionFailure(violations=[violation]))
    return RpcError(
        CODES[refusal.kind], refusal.reason, refusal.message, refusal.metadata, *details
    )


def unavailable(reason: str, message: str, retry_after_s: float) -> RpcError:
    """Returns UNAVAILABLE with `RetryInfo`: the client may call again after `retry_after_s`."""
    return RpcError(grpc.StatusCode.UNAVAILABLE, reason, message, None, retry_info(retry_after_s))


def too_large(reason: str, what: str, actual_bytes: int, maximum_bytes: int) -> RpcError:
    """Returns INVALID_ARGUMENT for too many bytes; `what` names their value in a sentence."""
    return RpcError(
        grpc.StatusCode.INVALID_ARGUMENT,
        reason,
        f"{what} has {actual_bytes} bytes; the maximum is {maximum_bytes}",
        {"maximumBytes": str(maximum_bytes), "actualBytes": str(actual_bytes)},
    )


def with_largest_field(error: RpcError, path: str, size: int) -> RpcError:
    """Returns the error of `too_large` that also names the field which makes the value large.

    `size` is the bytes of the field. With an empty path the error stays as it is.
    """
    if not path:
        return error
    return RpcError(
        error.code,
        error.reason,
        f"{error.message}; its largest field is {path} with {size} bytes",
        {**error.metadata, "field": path, "fieldBytes": str(size)},
        *error.details,
        bad_request([(path, error.reason, f"has {size} bytes")]),
    )


def draining() -> RpcError:
    """Returns the error of a call that a stopping server ends. Another replica answers at once."""
    message = "the server is stopping; call again, or resume the stream from its last token"
    return unavailable(CommonReason.DRAINING, message, 0.2)


def newer_state() -> RpcError:
    """Returns the error for data that a newer release has written. Another replica can read it."""
    message = "a newer release wrote this and this server is not upgraded yet; call again"
    return unavailable(CommonReason.NEWER_STATE, message, 1.0)


def retry_info(retry_after_s: float) -> error_details_pb2.RetryInfo:
    """Returns `RetryInfo` for a time in seconds."""
    delay = Duration()
    delay.FromNanoseconds(round(retry_after_s * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def bad_request(faults: Iterable[tuple[str, str, str]]) -> error_details_pb2.BadRequest:
    """Returns `BadRequest` for faults of (path, reason, description).

    Texts are cut, and faults at the end are left out, so that the message fits into the trailers.
    """
    request = error_details_pb2.BadRequest()
    size = 0
    for path, reason, description in faults:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=path[:200], reason=reason[:63], description=description[:400]
        )
        size += violation.ByteSize() + 3
        if len(request.field_violations) == MAX_VIOLATIONS or size > MAX_VIOLATION_BYTES:
            break
        request.field_violations.append(violation)
    return request


def status_of(error: RpcError, domain: str) -> status_pb2.Status:
    """Returns the status for the wire, with `ErrorInfo` as its first detail.

    `domain` is the domain of `ErrorInfo`, for instance `applications.safeconduct`.
    """
    metadata = {key: value[:_MAX_METADATA_CHARACTERS] for key, value in error.metadata.items()}
    status = status_pb2.Status(
        code=error.code.value[0], message=error.message[:_MAX_MESSAGE_CHARACTERS]
    )
    info = error_details_pb2.ErrorInfo(reason=error.reason[:63], domain=domain, metadata=metadata)
    for detail in (info, *error.details):
        status.details.add().Pack(detail)
    return status
