"""Converts frozen dataclasses to protobuf messages and back, field by field of the same name.

It knows types and no meanings. Both directions are planned once, at construction. A field that only
one side has is refused then, so that a core and a contract which have drifted apart never start.

The plan is two Python expressions, compiled as `dataclasses` compiles an `__init__`. A function
call for every field would cost several times the conversion itself.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, NoReturn, TypeVar, cast
from uuid import UUID

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

R = TypeVar("R")
M = TypeVar("M", bound=Message)
K = TypeVar("K", bound=StrEnum)

_TIMESTAMP = Timestamp.DESCRIPTOR.full_name
_F = FieldDescriptor
_FIELD_TYPES: Mapping[Any, frozenset[int]] = {
    str: frozenset({_F.TYPE_STRING}),
    bytes: frozenset({_F.TYPE_BYTES}),
    bool: frozenset({_F.TYPE_BOOL}),
    float: frozenset({_F.TYPE_DOUBLE, _F.TYPE_FLOAT}),
    int: frozenset({_F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_UINT32, _F.TYPE_UINT64}),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SAME = "{}"
_Pair = tuple[str, str]
"""Two expressions: from the record to the message, and from the message to the record."""


class Converter(Generic[R, M]):
    """Converts between `record_type` (a frozen dataclass) and `message_type`.

    str, int, float, bool and bytes stay. UUID is text. An aware datetime is a Timestamp with
    microseconds. A StrEnum member is the enum value of its name with the contract's prefix; None is
    UNSPECIFIED. A dataclass is a message, a tuple is repeated, a mapping of strings is a map. None
    is absence, and for text the empty string.

    `only_record` and `only_proto` name the fields that only one side has. `inner` are the
    converters for nested records; those that are not given are made here. Raises ValueError for any
    other difference, and for a type that cannot be converted.
    """

    def __init__(
        self,
        record_type: type[R],
        message_type: type[M],
        *,
        only_record: frozenset[str] = frozenset(),
        only_proto: frozenset[str] = frozenset(),
        inner: tuple[Converter[Any, Any], ...] = (),
    ) -> None:
        descriptor = cast("Descriptor", message_type.DESCRIPTOR)
        self.record_type: type[R] = record_type
        plan = _Plan(descriptor, {each.record_type: each for each in inner})
        fields = {
            name: plan.field(hint, field)
            for name, hint, field in _matched(record_type, descriptor, only_record, only_proto)
        }
        self._to: Callable[[R], M] = plan.compile(
            "record", message_type, {name: into for name, (into, _) in fields.items()}
        )
        self._from: Callable[[M], R] = plan.compile(
            "message", record_type, {name: out for name, (_, out) in fields.items()}
        )

    def to_proto(self, record: R) -> M:
        """Returns the message with the values of the record."""
        return self._to(record)

    def from_proto(self, message: M) -> R:
        """Returns the record with the values of the message.

        Raises ValueError for an invalid UUID, an unknown enum number, a time outside years 1 to
        9999 or an absent field that the record needs.
        """
        return self._from(message)


class CachedConverter(Converter[R, M]):
    """A converter that returns the same message again for the same record as last time.

    The event of a decision and its answer share one conversion. Nobody may change the message;
    inside another message it is a copy.
    """

    def __init__(self, record_type: type[R], message_type: type[M]) -> None:
        super().__init__(record_type, message_type)
        convert, last = self._to, cast("tuple[R, M]", (None, None))

        def convert_once(record: R) -> M:
            nonlocal last
            if last[0] is not record:
                last = record, convert(record)
            return last[1]

        self._to = convert_once


def _matched(
    record_type: type,
    descriptor: Descriptor,
    only_record: frozenset[str],
    only_proto: frozenset[str],
) -> list[tuple[str, Any, FieldDescriptor]]:
    """Returns name, type and field of all fields that both sides have.

    Raises ValueError if the sides differ in a field that is not named in the last two arguments.
    """
    hints = typing.get_type_hints(record_type)
    names = [
        field.name for field in dataclasses.fields(record_type) if field.name not in only_record
    ]
    wire = {field.name for field in descriptor.fields} - only_proto
    if set(names) != wire:
        raise ValueError(
            f"{record_type.__name__} and {descriptor.full_name} differ: "
            f"only the record has {sorted(set(names) - wire)}, "
            f"only the contract has {sorted(wire - set(names))}"
        )
    return [(name, hints[name], descriptor.fields_by_name[name]) for name in names]


class _Plan:
    """Builds the expressions of one converter, and the names that they use."""

    def __init__(self, descriptor: Descriptor, inner: Mapping[type, Converter[Any, Any]]) -> None:
        self._inner = inner
        self._names: dict[str, object] = {"absent": _absent_function(descriptor)}

    def compile(
        self, argument: str, result: type, values: Mapping[str, str]
    ) -> Callable[[Any], Any]:
        """Returns a function of one argument that passes these expressions to `result`."""
        given = ", ".join(f"{name}={value}" for name, value in values.items())
        source = f"lambda {argument}: {self._name(result)}({given})"
        function: Callable[[Any], Any] = eval(source, self._names)  # noqa: S307 - names of the contract only, no data
        return function

    def field(self, hint: Any, field: FieldDescriptor) -> _Pair:
        """Returns the expressions of a field. Raises ValueError for a type without conversion."""
        hint, is_optional = _without_none(hint)
        origin = typing.get_origin(hint)
        record, message = f"record.{field.name}", f"message.{field.name}"
        if origin is not None and issubclass(origin, Mapping):
            if field.message_type is None or not field.message_type.GetOptions().map_entry:
                raise ValueError(f"{field.full_name}: a mapping needs a map field")
            return record, f"dict({message})"
        if (origin is tuple) != field.is_repeated:
            raise ValueError(
                f"{field.full_name}: a tuple needs a repeated field, and a repeated field a tuple"
            )
        if origin is tuple:
            into, out = self._value(typing.get_args(hint)[0], field)
            return _each(into, record), f"tuple({_each(out, message)})"
        into, out = self._value(hint, field)
        # A message's constructor leaves a field absent that is given as None.
        encoded = (
            into.format(record)
            if not is_optional or into == _SAME
            else f"None if {record} is None else {into.format(record)}"
        )
        decoded = out.format(message)
        if field.has_presence:
            otherwise = "None" if is_optional else f"absent({field.name!r})"
            return encoded, f"{decoded} if message.HasField({field.name!r}) else {otherwise}"
        # Without presence, the absence of text, bytes, numbers and enums is their zero.
        return encoded, f"{decoded} if {message} else None" if is_optional else decoded

    def _value(self, hint: Any, field: FieldDescriptor) -> _Pair:
        """Returns the expressions of one value, with {} in the place of the value."""
        if (
            hint is datetime
            and field.message_type is not None
            and field.message_type.full_name == _TIMESTAMP
        ):
            return self._call(to_timestamp), self._call(from_timestamp)
        if hint is UUID and field.type == FieldDescriptor.TYPE_STRING:
            return self._call(str), self._call(UUID)
        if isinstance(hint, type) and issubclass(hint, StrEnum) and field.enum_type is not None:
            numbers, members = _enum(hint, field.enum_type)
            return f"{self._name(numbers)}[{{}}]", f"{self._name(members)}[{{}}]"
        if dataclasses.is_dataclass(hint) and field.message_type is not None:
            kind = cast("type[Any]", hint)
            inner = self._inner.get(kind) or Converter(kind, GetMessageClass(field.message_type))
            return self._call(inner._to), self._call(inner._from)  # noqa: SLF001 - the same class
        if field.type in _FIELD_TYPES.get(hint, ()):
            return _SAME, _SAME
        raise ValueError(f"{field.full_name}: cannot convert {hint!r}")

    def _call(self, function: object) -> str:
        return f"{self._name(function)}({{}})"

    def _name(self, value: object) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name


def _each(expression: str, values: str) -> str:
    return values if expression == _SAME else f"[{expression.format('each')} for each in {values}]"


def _absent_function(descriptor: Descriptor) -> Callable[[str], NoReturn]:
    def absent(name: str) -> NoReturn:
        raise ValueError(f"{descriptor.full_name}.{name} is absent")

    return absent


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        return inner, True
    return hint, False


class _Members(dict[int, StrEnum]):
    """Members by number. A number without a member raises ValueError."""

    def __init__(self, name: str, members: Mapping[int, StrEnum]) -> None:
        super().__init__(members)
        self._name = name

    def __missing__(self, number: int) -> NoReturn:
        raise ValueError(f"{self._name} has no member for {number} in this service") from None


def _enum(
    kind: type[StrEnum], descriptor: EnumDescriptor
) -> tuple[dict[StrEnum, int], dict[int, StrEnum]]:
    """Returns numbers by member, and members by number."""
    prefix = descriptor.values_by_number[0].name.removesuffix("UNSPECIFIED")
    numbers = {value.name.removeprefix(prefix): value.number for value in descriptor.values}
    unknown = sorted(member.value for member in kind if member.value not in numbers)
    if unknown:
        raise ValueError(f"{kind.__name__}: the contract's {descriptor.full_name} has no {unknown}")
    known = {member: numbers[member.value] for member in kind}
    return known, _Members(
        descriptor.full_name, {number: member for member, number in known.items()}
    )


def members_by_number(kind: type[K], contract: EnumDescriptor) -> Mapping[int, K]:
    """Returns the members of an enum by their numbers in the contract, without UNSPECIFIED (0).

    Raises ValueError if the two do not have the same names, prefix aside. Called at import of a
    codec, it keeps a service from starting when its core and the contract have drifted apart.
    """
    prefix = contract.values_by_number[0].name.removesuffix("UNSPECIFIED")
    numbers = {
        value.name.removeprefix(prefix): value.number for value in contract.values if value.number
    }
    difference = set(numbers) ^ {member.value for member in kind}
    if difference:
        names = ", ".join(sorted(difference))
        raise ValueError(f"{kind.__name__} and {contract.full_name} differ in {names}")
    return {number: kind(name) for name, number in numbers.items()}


def to_timestamp(time: datetime) -> Timestamp:
    """Returns the aware `time` as a Timestamp, to the microsecond."""
    since = time - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def from_timestamp(stamp: Timestamp) -> datetime:
    """Returns the time in UTC, to the microsecond. Raises ValueError outside of years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1_000)
    except OverflowError:
        raise ValueError("the time is outside of the years 1 to 9999") from None
