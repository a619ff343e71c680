"""Decodes a request and checks it by the rules of its contract; words every violation for a person.

The validator's own texts ("does not match regex pattern ...") never reach a caller. The contract
says what a field expects (option `safeconduct.options.v1.expected`), a service may give a sentence
for a field that needs its data (`Sentences`), and all other rules have the sentences below. A `cel`
rule could carry its own message, but is several times as slow as a standard rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sized
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeAlias

import grpc
import protovalidate
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.message import DecodeError, Message
from safeconduct.options.v1 import options_pb2

from chassis.rpc.errors import CommonReason, RpcError, bad_request, too_large, with_largest_field
from chassis.rpc.field_sizes import largest_field

MAX_REQUEST_BYTES: Final = 1 << 20

Sentences: TypeAlias = Mapping[str, Callable[[Any], str]]
"""For the full name of a field, the function from a refused value to a sentence."""

_validator: Final = protovalidate.Validator()


def compile_rules(services: Iterable[str]) -> None:
    """Compiles the rules of all requests of these services: a broken rule fails the start."""
    for service in services:
        for method in descriptor_pool.Default().FindServiceByName(service).methods:
            _validator.collect_violations(message_factory.GetMessageClass(method.input_type)())


def check_size(request: bytes, deserialize: Callable[[bytes], Message]) -> None:
    """Raises `RpcError` MESSAGE_TOO_LARGE above 1 MiB. It names the field that is too large."""
    if len(request) <= MAX_REQUEST_BYTES:
        return
    error = too_large(
        CommonReason.MESSAGE_TOO_LARGE, "the request", len(request), MAX_REQUEST_BYTES
    )
    with contextlib.suppress(DecodeError):
        error = with_largest_field(error, *largest_field(deserialize(request)))
    raise error


def parse(
    request: bytes, deserialize: Callable[[bytes], Message], sentences: Sentences | None = None
) -> Message:
    """Returns the message. Raises `RpcError` VALIDATION_FAILED as `check` does."""
    try:
        message = deserialize(request)
    except DecodeError:
        fault = ("", "MALFORMED", "the bytes are not a message of the method's request type")
        raise _invalid([fault]) from None
    check(message, sentences)
    return message


def check(message: Message, sentences: Sentences | None = None) -> None:
    """Raises `RpcError` VALIDATION_FAILED, with 40 violations at most, if a rule is broken."""
    violations = _validator.collect_violations(message)
    if violations:
        raise _invalid([_fault(message, violation, sentences or {}) for violation in violations])


def _fault(
    message: Message, violation: protovalidate.Violation, sentences: Sentences
) -> tuple[str, str, str]:
    found = violation.proto
    reason = found.rule_id.upper().replace(".", "_")
    if not found.field:
        return "", reason, found.message
    elements = found.field.elements
    descriptor = _descriptor(message, [each.field_name for each in elements])
    if isinstance(descriptor, OneofDescriptor):
        names = ", ".join(field.name for field in descriptor.fields)
        return field_path(elements), reason, f"one of these fields is required: {names}"
    return field_path(elements), reason, _description(descriptor, violation, sentences)


def _descriptor(message: Message, names: list[str]) -> FieldDescriptor | OneofDescriptor:
    """Returns the field, or the oneof, at the end of the path."""
    descriptor: Any = message.DESCRIPTOR
    *path, last = names
    for name in path:
        descriptor = descriptor.fields_by_name[name].message_type
    field: FieldDescriptor | OneofDescriptor = (
        descriptor.fields_by_name.get(last) or descriptor.oneofs_by_name[last]
    )
    return field


def _description(
    field: FieldDescriptor, violation: protovalidate.Violation, sentences: Sentences
) -> str:
    rule_id, value = violation.proto.rule_id, violation.field_value
    is_about_value = rule_id != "required" and not rule_id.startswith("repeated.")
    if is_about_value and field.full_name in sentences:
        return sentences[field.full_name](value)
    if is_about_value and field.GetOptions().HasExtension(options_pb2.expected):
        return f"must be {field.GetOptions().Extensions[options_pb2.expected]}"
    if rule_id in _ENUM_RULES and field.enum_type is not None:
        numbers = violation.rule_value if rule_id == "enum.in" else field.enum_type.values_by_number
        return f"must be one of {', '.join(_names(field.enum_type, set(numbers)))}"
    if violation.proto.rule is not None and violation.proto.rule.elements[-1].field_name == "cel":
        # Such a rule has a sentence of its own, though its id may be that of a standard rule.
        return violation.proto.message
    size = len(value) if isinstance(value, Sized) else 0
    plain = _PLAIN.get(rule_id)
    return violation.proto.message if plain is None else plain(size, violation.rule_value)


def _too_short(size: int, minimum: int) -> str:
    return f"has {size} characters; the minimum is {minimum}" if size else "must not be empty"


_ENUM_RULES: Final = frozenset({"enum.defined_only", "enum.in", "enum.not_in"})
_UUID: Final = "must be a UUID, for example 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"

ONE_LINE: Final = r"^([^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|[\p{L}\p{M}][\x{200c}\x{200d}])*$"
"""The contracts' pattern of names, addresses and all else that goes into signed texts."""
SCREENED: Final = r"^[^\p{Cc}\x{202a}-\x{202e}\x{2066}-\x{2069}]*$"
"""The contracts' pattern of names that are only screened: disguises are judged, not refused."""
_FORMS: Final[Mapping[str, str]] = {
    ONE_LINE: "must be one line without control, direction or other invisible characters",
    SCREENED: "must be one line without control or direction characters",
}

_PLAIN: Final[Mapping[str, Callable[[int, Any], str]]] = {
    "required": lambda size, rule: "is required",
    "string.uuid": lambda size, rule: _UUID,
    "string.uuid_empty": lambda size, rule: _UUID,
    "string.pattern": lambda size, rule: _FORMS.get(
        rule, "does not have the form that the contract describes"
    ),
    "string.min_len": _too_short,
    "string.max_len": lambda size, rule: f"has {size} characters; the maximum is {rule}",
    "bytes.len": lambda size, rule: f"has {size} bytes; it must have {rule}",
    "repeated.min_items": lambda size, rule: f"has {size} entries; the minimum is {rule}",
    "repeated.max_items": lambda size, rule: f"has {size} entries; the maximum is {rule}",
    "repeated.unique": lambda size, rule: "contains an entry twice",
    "bool.const": lambda size, rule: f"must be {str(rule).lower()}",
}
"""Sentences by rule id, from the size of the refused value and the value of the rule."""


def _names(enum: EnumDescriptor, numbers: AbstractSet[int]) -> list[str]:
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return [
        value.name.removeprefix(prefix)
        for value in enum.values
        if value.number and value.number in numbers
    ]


def field_path(elements: Iterable[Any]) -> str:
    """Returns a path such as `details.parties[2].country`; keys of maps are in quotation marks."""
    parts = []
    for element in elements:
        subscript = element.subscript
        where = "" if subscript is None else _subscript(subscript.value)
        parts.append(f"{element.field_name}{where}")
    return ".".join(parts)


def _subscript(value: object) -> str:
    return f'["{value}"]' if isinstance(value, str) else f"[{value}]"


def _invalid(faults: list[tuple[str, str, str]]) -> RpcError:
    return RpcError(
        grpc.StatusCode.INVALID_ARGUMENT,
        CommonReason.VALIDATION_FAILED,
        first_fault([(path, description) for path, _, description in faults]),
        {"violationCount": str(len(faults))},
        bad_request(faults),
    )


def first_fault(faults: list[tuple[str, str]]) -> str:
    """Returns the first (field path, description) as a sentence, with a count of the rest."""
    path, description = faults[0]
    sentence = f"{path}: {description}" if path else description
    more = len(faults) - 1
    if not more:
        return sentence
    return f"{sentence} (and {more} more {'faults' if more > 1 else 'fault'})"
