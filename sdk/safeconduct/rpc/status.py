"""Decodes the google.rpc.Status of a failed call into a SafeconductError. Knows no service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc import aio

from safeconduct.errors import FieldViolation, SafeconductError

DETAILS_KEY: Final = "grpc-status-details-bin"
"""The trailer that carries the google.rpc.Status."""


def from_rpc(error: aio.AioRpcError) -> SafeconductError:
    """The typed error of a failed call. Details that cannot be decoded are ignored."""
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
    """Fills `detail` from the status and returns whether the status has one of its type."""
    try:
        return any(packed.Unpack(detail) for packed in status.details)
    except DecodeError:
        return False
