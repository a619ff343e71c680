"""How a refusal of a service reaches the caller: one exception with the reason, the fields and when to try again.

Knows google.rpc's error details as the services send them. Knows no service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc import aio

DETAILS_KEY: Final = "grpc-status-details-bin"
"""The trailer in which a google.rpc.Status travels."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that breaks a rule. `path` is that of the request, for instance `details.parties[1].country`."""

    path: str
    reason: str
    description: str


class SafeconductError(Exception):
    """A call that was refused or did not get through.

    `reason` is a name of the services' published enums without prefix, or the name of `code` when no service answered.
    `metadata` holds every value that the message mentions. `retry_after`: seconds, None when none was named.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}" if message else reason)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.violations = violations
        self.retry_after = retry_after


def from_rpc(error: aio.AioRpcError) -> SafeconductError:
    """The typed error of a failed call. Details that do not decode are as good as none."""
    status = _status(error.trailing_metadata())
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    _unpack(status, info)
    _unpack(status, bad)
    has_retry = _unpack(status, retry) and retry.HasField("retry_delay")
    return SafeconductError(
        code=error.code(),
        reason=info.reason or error.code().name,
        message=status.message or error.details() or "",
        metadata=info.metadata,
        violations=tuple(
            FieldViolation(found.field, found.reason, found.description)
            for found in bad.field_violations
        ),
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if has_retry else None,
    )


def _status(trailers: Iterable[tuple[str, str | bytes]] | None) -> status_pb2.Status:
    for key, value in trailers or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()


def _unpack(status: status_pb2.Status, detail: Message) -> bool:
    try:
        return any(packed.Unpack(detail) for packed in status.details)
    except DecodeError:
        return False
