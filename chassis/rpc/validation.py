"""Bytes of a request to a message that keeps every rule of its contract, or a refusal that says what it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import grpc
import protovalidate
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from chassis.rpc.errors import CommonReason, RpcError, bad_request

MAX_REQUEST_BYTES: Final = 1 << 20

_validator: Final = protovalidate.Validator()


def compile_rules(services: Iterable[str]) -> None:
    """Compile the rules of every request of these services now: a broken rule fails the start and not a call."""
    for service in services:
        for method in descriptor_pool.Default().FindServiceByName(service).methods:
            _validator.collect_violations(message_factory.GetMessageClass(method.input_type)())


def check_size(request: bytes) -> None:
    """`RpcError` MESSAGE_TOO_LARGE above 1 MiB."""
    if len(request) > MAX_REQUEST_BYTES:
        metadata = {"maximumBytes": str(MAX_REQUEST_BYTES), "actualBytes": str(len(request))}
        message = f"the request has {len(request)} bytes; at most {MAX_REQUEST_BYTES} are taken"
        raise RpcError(
            grpc.StatusCode.INVALID_ARGUMENT, CommonReason.MESSAGE_TOO_LARGE, message, metadata
        )


def parse(request: bytes, deserialize: Callable[[bytes], Message]) -> Message:
    """The message, valid by its contract; else `RpcError` VALIDATION_FAILED with at most 40 of the fields at fault."""
    try:
        message = deserialize(request)
    except DecodeError:
        raise _invalid(
            [("", "MALFORMED", "the bytes are no message of the method's request type")]
        ) from None
    check(message)
    return message


def check(message: Message) -> None:
    """`RpcError` VALIDATION_FAILED unless the message keeps every rule of its contract."""
    violations = _validator.collect_violations(message)
    if violations:
        raise _invalid([_fault(violation.proto) for violation in violations])


def _fault(violation: protovalidate.ViolationPb) -> tuple[str, str, str]:
    path = field_path(violation.field.elements) if violation.field else ""
    return path, violation.rule_id.upper().replace(".", "_"), violation.message


def field_path(elements: Iterable[Any]) -> str:
    """A path such as `details.parties[2].country`; keys of maps in quotation marks."""
    parts = []
    for element in elements:
        subscript = element.subscript
        where = "" if subscript is None else _subscript(subscript.value)
        parts.append(f"{element.field_name}{where}")
    return ".".join(parts)


def _subscript(value: object) -> str:
    return f'["{value}"]' if isinstance(value, str) else f"[{value}]"


def _invalid(faults: list[tuple[str, str, str]]) -> RpcError:
    count = str(len(faults))
    message = f"{count} rule(s) of the contract are broken"
    code = grpc.StatusCode.INVALID_ARGUMENT
    return RpcError(
        code,
        CommonReason.VALIDATION_FAILED,
        message,
        {"violationCount": count},
        bad_request(faults),
    )
