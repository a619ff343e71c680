"""How a refusal reaches the wire: always a `google.rpc.Status` with `ErrorInfo`, never the text of an exception.

Knows the plumbing's own reasons and which exceptions mean that storage is away. The services' reasons are plain
strings here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

import asyncpg
import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

MAX_VIOLATIONS: Final = 40
MAX_VIOLATION_BYTES: Final = 5_400
"""Trailers above 8 KiB may be dropped by a peer, above 16 KiB always are, and base64 adds a third to these bytes."""

_MAX_MESSAGE_CHARACTERS: Final = 500
_MAX_METADATA_CHARACTERS: Final = 200


class CommonReason(StrEnum):
    """`safeconduct.options.v1.CommonReason` without its prefix; a test holds the two together."""

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


class RpcError(Exception):
    """The only road to a status other than OK. Each type of detail may be given once; a second one is a `ValueError`.

    `ErrorInfo` is added from `reason` and `metadata` on the way out and is not given here.
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
            raise ValueError(f"a detail is given twice: {', '.join(names)}")
        self.code = code
        self.reason = str(reason)
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.details = details


class FieldFaultLike(Protocol):
    """What is wrong with one field; every core has its own frozen dataclass of this shape."""

    @property
    def path(self) -> str: ...  # noqa: D102 - for instance details.parties[2].country
    @property
    def reason(self) -> str: ...  # noqa: D102 - UPPER_SNAKE
    @property
    def description(self) -> str: ...  # noqa: D102 - for a person


class RefusalLike(Protocol):
    """A core's refusal as a value; every core has its own frozen dataclass of this shape."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - a key of CODES
    @property
    def reason(self) -> str: ...  # noqa: D102 - the service's ErrorReason without its prefix
    @property
    def message(self) -> str: ...  # noqa: D102 - for a person
    @property
    def metadata(self) -> Mapping[str, str]: ...  # noqa: D102 - what varies in the message
    @property
    def fields(self) -> Sequence[FieldFaultLike]: ...  # noqa: D102 - for INVALID


CODES: Final[Mapping[str, grpc.StatusCode]] = {
    "INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "PRECONDITION": grpc.StatusCode.FAILED_PRECONDITION,
    "PERMISSION": grpc.StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "ABORTED": grpc.StatusCode.ABORTED,
}


def rpc_error(refusal: RefusalLike) -> RpcError:
    """The exception for a core's refusal: `BadRequest` for its fields, `PreconditionFailure` for a PRECONDITION.

    An unknown kind is a broken promise: `KeyError`.
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
    """UNAVAILABLE for a reason of the plumbing, with the time in seconds after which a client may call again."""
    return RpcError(grpc.StatusCode.UNAVAILABLE, reason, message, None, retry_info(retry_after_s))


def draining() -> RpcError:
    """What a watch ends with when the server does: another server takes over at once."""
    return unavailable(
        CommonReason.DRAINING, "the server is ending; resume from the last token", 0.2
    )


def retry_info(retry_after_s: float) -> error_details_pb2.RetryInfo:
    """`RetryInfo` from seconds."""
    delay = Duration()
    delay.FromNanoseconds(round(retry_after_s * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def bad_request(faults: Iterable[tuple[str, str, str]]) -> error_details_pb2.BadRequest:
    """`BadRequest` of (path, reason, description), cut so that it fits the trailers."""
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


def status_of(refusal: RpcError, domain: str) -> status_pb2.Status:
    """The status as it goes on the wire, `ErrorInfo` first. `domain` is for instance `applications.safeconduct`."""
    metadata = {key: value[:_MAX_METADATA_CHARACTERS] for key, value in refusal.metadata.items()}
    status = status_pb2.Status(
        code=refusal.code.value[0], message=refusal.message[:_MAX_MESSAGE_CHARACTERS]
    )
    info = error_details_pb2.ErrorInfo(reason=refusal.reason[:63], domain=domain, metadata=metadata)
    for detail in (info, *refusal.details):
        status.details.add().Pack(detail)
    return status


_STORAGE_STATES: Final = frozenset({"08", "28", "3D", "40", "53", "57", "58"})
"""Classes of SQLSTATE (PostgreSQL, appendix A) that speak of the server and not of our statement."""

_STORAGE_CODES: Final = frozenset({"25006", "55P03"})
"""read_only_sql_transaction: the primary has moved; lock_not_available."""


def is_storage_fault(exception: BaseException) -> bool:
    """Whether this says that the database is away or busy, so that the same call may succeed later.

    A statement that PostgreSQL understood and rejected is not: that is a defect of ours.
    """
    match exception:
        case BaseExceptionGroup(exceptions=inner):
            return all(is_storage_fault(each) for each in inner)
        case asyncpg.PostgresError():
            state = exception.sqlstate or ""
            return state[:2] in _STORAGE_STATES or state in _STORAGE_CODES
        case asyncpg.InterfaceError():
            return any(
                word in str(exception) for word in ("closed", "closing", "terminated", "released")
            )
        case asyncpg.TargetServerAttributeNotMatched():
            return True
        case asyncpg.InternalClientError():
            # The server said that it ends the session, and the loss of the connection has not been noticed yet.
            # Two users of one connection, a defect of ours, are an InterfaceError.
            return str(exception).startswith("cannot switch to")
        case OSError():  # ConnectionError, TimeoutError, gaierror; one that names a file is not the database
            return exception.filename is None
        case _:
            return False
