"""Turns frozen records into protobuf messages and back, field by field of the same name.

It knows types, not meanings: what a field is for stands in the contract and in the core. Both directions are planned
once, at construction, and a field that one side lacks is refused there and then, so a contract and a core that have
drifted apart never meet at run time.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

R = TypeVar("R")
M = TypeVar("M", bound=Message)

_Write = Callable[[Message, Any], None]
_Read = Callable[[Message], Any]
_TIMESTAMP = Timestamp.DESCRIPTOR.full_name
_F = FieldDescriptor
_CARRIES: Mapping[Any, frozenset[int]] = {
    str: frozenset({_F.TYPE_STRING}),
    bytes: frozenset({_F.TYPE_BYTES}),
    bool: frozenset({_F.TYPE_BOOL}),
    float: frozenset({_F.TYPE_DOUBLE, _F.TYPE_FLOAT}),
    int: frozenset({_F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_UINT32, _F.TYPE_UINT64}),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Converter(Generic[R, M]):
    """Converts between `record_type` (a frozen dataclass) and `message_type`.

    str, int, float, bool and bytes stay; UUID is text; an aware datetime is a Timestamp (microseconds kept); a StrEnum
    value is the proto value's name without the enum's prefix, and None is UNSPECIFIED; a dataclass is a message; a
    tuple is repeated; a mapping of strings is a map; `X | None` is absence (for text: the empty string).

    `only_record` and `only_proto` name fields that only one side has; any other difference raises ValueError.
    """

    def __init__(
        self,
        record_type: type[R],
        message_type: type[M],
        *,
        only_record: frozenset[str] = frozenset(),
        only_proto: frozenset[str] = frozenset(),
    ) -> None:
        self._record_type, self._message_type = record_type, message_type
        self._plan = _plan(record_type, cast("Descriptor", message_type.DESCRIPTOR), only_record, only_proto)

    def to_proto(self, record: R) -> M:
        """The message that says what the record says."""
        message = self._message_type()
        for name, write, _ in self._plan:
            value = getattr(record, name)
            if value is not None:
                write(message, value)
        return message

    def from_proto(self, message: M) -> R:
        """The record that says what the message says. ValueError where a value cannot be one."""
        return self._record_type(**{name: read(message) for name, _, read in self._plan})


def _plan(
    record_type: type, descriptor: Descriptor, only_record: frozenset[str], only_proto: frozenset[str]
) -> list[tuple[str, _Write, _Read]]:
    hints = typing.get_type_hints(record_type)
    names = [field.name for field in dataclasses.fields(record_type) if field.name not in only_record]
    wire = {field.name for field in descriptor.fields} - only_proto
    if set(names) != wire:
        raise ValueError(
            f"{record_type.__name__} and {descriptor.full_name} differ: "
            f"only the record has {sorted(set(names) - wire)}, only the contract has {sorted(wire - set(names))}"
        )
    return [(name, *_field(hints[name], descriptor.fields_by_name[name])) for name in names]


def _field(hint: Any, field: FieldDescriptor) -> tuple[_Write, _Read]:
    hint, optional = _without_none(hint)
    origin = typing.get_origin(hint)
    if origin is not None and issubclass(origin, Mapping):
        return _map(field)
    if (origin is tuple) != field.is_repeated:
        raise ValueError(f"{field.full_name}: a tuple is repeated, and nothing else is")
    if origin is tuple:
        return _repeated(typing.get_args(hint)[0], field)
    if field.message_type is not None:
        return _message(hint, field, optional=optional)
    return _scalar(hint, field, optional=optional)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        return inner, True
    return hint, False


def _scalar(hint: Any, field: FieldDescriptor, *, optional: bool) -> tuple[_Write, _Read]:
    name = field.name
    into, outof = _value(hint, field)

    def write(message: Message, value: Any) -> None:
        setattr(message, name, into(value))

    if field.has_presence:

        def read_present(message: Message) -> Any:
            if message.HasField(name):
                return outof(getattr(message, name))
            if optional:
                return None
            raise ValueError(f"{message.DESCRIPTOR.full_name}.{name} is absent")

        return write, read_present
    if optional:
        # Absence of text, bytes, numbers and enums without presence is their zero.
        def read_optional(message: Message) -> Any:
            raw = getattr(message, name)
            return outof(raw) if raw else None

        return write, read_optional
    return write, lambda message: outof(getattr(message, name))


def _message(hint: Any, field: FieldDescriptor, *, optional: bool) -> tuple[_Write, _Read]:
    name = field.name
    into, outof = _value(hint, field)

    def write(message: Message, value: Any) -> None:
        getattr(message, name).CopyFrom(into(value))

    def read(message: Message) -> Any:
        if message.HasField(name):
            return outof(getattr(message, name))
        if optional:
            return None
        raise ValueError(f"{message.DESCRIPTOR.full_name}.{name} is absent")

    return write, read


def _repeated(item: Any, field: FieldDescriptor) -> tuple[_Write, _Read]:
    name = field.name
    into, outof = _value(item, field)

    def write(message: Message, value: Any) -> None:
        getattr(message, name).extend([into(each) for each in value])

    return write, lambda message: tuple(outof(each) for each in getattr(message, name))


def _map(field: FieldDescriptor) -> tuple[_Write, _Read]:
    name = field.name
    if field.message_type is None or not field.message_type.GetOptions().map_entry:
        raise ValueError(f"{field.full_name}: a mapping is a map, and nothing else is")

    def write(message: Message, value: Any) -> None:
        getattr(message, name).update(value)

    return write, lambda message: dict(getattr(message, name))


def _value(hint: Any, field: FieldDescriptor) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How one value goes in and comes out, whatever holds it."""
    if hint is datetime and field.message_type is not None and field.message_type.full_name == _TIMESTAMP:
        return to_timestamp, from_timestamp
    if hint is UUID and field.type == FieldDescriptor.TYPE_STRING:
        return str, UUID
    if isinstance(hint, type) and issubclass(hint, StrEnum) and field.enum_type is not None:
        return _enum(hint, field.enum_type)
    if dataclasses.is_dataclass(hint) and field.message_type is not None:
        converter: Converter[Any, Any] = Converter(cast("type[Any]", hint), GetMessageClass(field.message_type))
        return converter.to_proto, converter.from_proto
    if field.type in _CARRIES.get(hint, ()):
        return _same, _same
    raise ValueError(f"{field.full_name}: no way to carry {hint!r}")


def _same(value: Any) -> Any:
    return value


def _enum(kind: type[StrEnum], descriptor: EnumDescriptor) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    prefix = descriptor.values_by_number[0].name.removesuffix("UNSPECIFIED")
    names = {value.number: value.name.removeprefix(prefix) for value in descriptor.values}
    numbers = {name: number for number, name in names.items()}
    unknown = sorted(member.value for member in kind if member.value not in numbers)
    if unknown:
        raise ValueError(f"{kind.__name__}: the contract's {descriptor.full_name} has no {unknown}")
    members: dict[int, Enum] = {numbers[member.value]: member for member in kind}

    def read(number: int) -> Any:
        try:
            return members[number]
        except KeyError:
            raise ValueError(f"{descriptor.full_name} has no meaning for {number} here") from None

    return lambda member: numbers[member.value], read


def to_timestamp(moment: datetime) -> Timestamp:
    """The aware moment as a Timestamp, to the microsecond."""
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def from_timestamp(stamp: Timestamp) -> datetime:
    """The moment in UTC, to the microsecond. Raises ValueError outside years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1_000)
    except OverflowError:
        raise ValueError("the moment is outside years 1 to 9999") from None
