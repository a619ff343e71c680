"""Records to protobuf messages and back, and what is refused before anything is converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from chassis.proto_mapping import Converter, from_timestamp, to_timestamp

_F = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "chassis.proto_mapping.test"


def _contract() -> Any:
    """A contract with a field of every kind that can be carried."""
    file = descriptor_pb2.FileDescriptorProto(
        name="chassis/mapping/test.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/timestamp.proto"],
    )
    colour = file.enum_type.add(name="Colour")
    for number, name in enumerate(
        ("COLOUR_UNSPECIFIED", "COLOUR_RED", "COLOUR_GREEN", "COLOUR_NEW")
    ):
        colour.value.add(name=name, number=number)
    inner = file.message_type.add(name="Inner")
    inner.field.add(name="word", number=1, type=_F.TYPE_STRING, label=_F.LABEL_OPTIONAL)
    outer = file.message_type.add(name="Outer")
    entry = outer.nested_type.add(name="LabelsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_F.TYPE_STRING, label=_F.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=_F.TYPE_STRING, label=_F.LABEL_OPTIONAL)
    kinds: list[tuple[str, int, str, bool]] = [
        ("text", _F.TYPE_STRING, "", False),
        ("count", _F.TYPE_INT64, "", False),
        ("share", _F.TYPE_DOUBLE, "", False),
        ("flag", _F.TYPE_BOOL, "", False),
        ("raw", _F.TYPE_BYTES, "", False),
        ("id", _F.TYPE_STRING, "", False),
        ("at", _F.TYPE_MESSAGE, ".google.protobuf.Timestamp", False),
        ("maybe_at", _F.TYPE_MESSAGE, ".google.protobuf.Timestamp", False),
        ("colour", _F.TYPE_ENUM, f".{_PACKAGE}.Colour", False),
        ("maybe_colour", _F.TYPE_ENUM, f".{_PACKAGE}.Colour", False),
        ("inner", _F.TYPE_MESSAGE, f".{_PACKAGE}.Inner", False),
        ("maybe_inner", _F.TYPE_MESSAGE, f".{_PACKAGE}.Inner", False),
        ("inners", _F.TYPE_MESSAGE, f".{_PACKAGE}.Inner", True),
        ("colours", _F.TYPE_ENUM, f".{_PACKAGE}.Colour", True),
        ("ids", _F.TYPE_STRING, "", True),
        ("labels", _F.TYPE_MESSAGE, f".{_PACKAGE}.Outer.LabelsEntry", True),
        ("maybe_text", _F.TYPE_STRING, "", False),
    ]
    for number, (name, kind, kind_name, repeated) in enumerate(kinds, 1):
        label = _F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL
        added = outer.field.add(name=name, number=number, type=kind, label=label)
        if kind_name:
            added.type_name = kind_name
    outer.oneof_decl.add(name="_maybe_count")
    outer.field.add(
        name="maybe_count",
        number=30,
        type=_F.TYPE_INT32,
        label=_F.LABEL_OPTIONAL,
        proto3_optional=True,
        oneof_index=0,
    )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool


_POOL = _contract()
OuterMessage: Any = message_factory.GetMessageClass(
    _POOL.FindMessageTypeByName(f"{_PACKAGE}.Outer")
)
InnerMessage: Any = message_factory.GetMessageClass(
    _POOL.FindMessageTypeByName(f"{_PACKAGE}.Inner")
)


class Colour(StrEnum):
    RED = "RED"
    GREEN = "GREEN"


@dataclass(frozen=True)
class Inner:
    word: str


@dataclass(frozen=True)
class Outer:
    text: str
    count: int
    share: float
    flag: bool
    raw: bytes
    id: UUID
    at: datetime
    maybe_at: datetime | None
    colour: Colour
    maybe_colour: Colour | None
    inner: Inner
    maybe_inner: Inner | None
    inners: tuple[Inner, ...]
    colours: tuple[Colour, ...]
    ids: tuple[UUID, ...]
    labels: Mapping[str, str]
    maybe_text: str | None
    maybe_count: int | None


CONVERTER: Converter[Outer, Any] = Converter(Outer, OuterMessage)

moments = st.datetimes(timezones=st.just(UTC))
words = st.text(st.characters(codec="utf-8"), max_size=20)
inners = st.builds(Inner, words)
outers = st.builds(
    Outer,
    text=words,
    count=st.integers(-(2**63), 2**63 - 1),
    share=st.floats(allow_nan=False),
    flag=st.booleans(),
    raw=st.binary(max_size=20),
    id=st.uuids(),
    at=moments,
    maybe_at=st.none() | moments,
    colour=st.sampled_from(Colour),
    maybe_colour=st.none() | st.sampled_from(Colour),
    inner=inners,
    maybe_inner=st.none() | inners,
    inners=st.lists(inners, max_size=3).map(tuple),
    colours=st.lists(st.sampled_from(Colour), max_size=3).map(tuple),
    ids=st.lists(st.uuids(), max_size=3).map(tuple),
    labels=st.dictionaries(words, words, max_size=3),
    maybe_text=st.none() | words.filter(bool),
    maybe_count=st.none() | st.integers(-(2**31), 2**31 - 1),
)


@given(outers)
def test_a_record_comes_back_as_it_went_even_through_bytes(record: Outer) -> None:
    raw = CONVERTER.to_proto(record).SerializeToString()

    assert CONVERTER.from_proto(OuterMessage.FromString(raw)) == record


@given(moments)
def test_a_time_comes_back_to_the_microsecond(time: datetime) -> None:
    assert from_timestamp(to_timestamp(time)) == time


def test_a_time_in_another_zone_comes_back_as_the_same_time_in_utc() -> None:
    there = datetime.fromisoformat("2026-03-01T12:00:00.000001+05:30")

    back = from_timestamp(to_timestamp(there))

    assert (back, back.utcoffset()) == (there, timedelta(0))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        to_timestamp(datetime(2026, 3, 1))  # noqa: DTZ001 - what is refused


def test_a_time_outside_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="outside of the years"):
        from_timestamp(Timestamp(seconds=2**40))


def test_an_absent_text_is_the_empty_text_on_the_wire() -> None:
    record = CONVERTER.from_proto(whole())

    assert record.maybe_text is None
    assert CONVERTER.to_proto(record).maybe_text == ""


def test_an_optional_number_of_zero_is_not_absence() -> None:
    message = whole()
    message.maybe_count = 0

    assert CONVERTER.from_proto(message).maybe_count == 0


def whole() -> Any:
    """A message with what a record needs at least."""
    message = OuterMessage(id=str(UUID(int=1)), colour=1)
    message.at.GetCurrentTime()
    message.inner.word = "word"
    return message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "no uuid"),
        ("ids", ["no uuid"]),
        ("colour", 0),
        ("colour", 3),
        ("colour", 99),
        ("colours", [0]),
    ],
)
def test_an_invalid_value_is_refused(name: str, value: object) -> None:
    message = whole()
    message.ClearField(name)
    message.MergeFrom(OuterMessage(**{name: value}))

    with pytest.raises(ValueError):  # noqa: PT011 - each converter has a message of its own
        CONVERTER.from_proto(message)


@pytest.mark.parametrize("name", ["at", "inner"])
def test_an_absent_message_that_the_record_needs_is_an_error_with_its_name(name: str) -> None:
    message = whole()
    message.ClearField(name)

    with pytest.raises(ValueError, match=f"Outer.{name} is absent"):
        CONVERTER.from_proto(message)


def narrowed(name: str, kind: Any) -> type:
    """A record with one field."""
    return dataclass(frozen=True)(
        type("Narrow", (), {"__annotations__": {name: kind}, name: field()})
    )


def only(name: str) -> frozenset[str]:
    return frozenset(each.name for each in OuterMessage.DESCRIPTOR.fields if each.name != name)


def test_a_field_that_only_the_record_has_is_refused_unless_named() -> None:
    record = narrowed("extra", int)
    everything = only("")

    with pytest.raises(ValueError, match=r"only the record has \['extra'\]"):
        Converter(record, OuterMessage, only_proto=everything)
    Converter(record, OuterMessage, only_proto=everything, only_record=frozenset({"extra"}))


def test_a_field_that_only_the_contract_has_is_refused_unless_named() -> None:
    record = narrowed("text", str)

    with pytest.raises(ValueError, match=r"only the contract has \['at'"):
        Converter(record, OuterMessage)
    Converter(record, OuterMessage, only_proto=only("text"))


class Shade(StrEnum):
    RED = "RED"
    PURPLE = "PURPLE"


@dataclass(frozen=True)
class Grown:
    word: str
    another: str


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("text", int),
        ("text", bytes),
        ("raw", str),
        ("count", str),
        ("count", bool),
        ("flag", int),
        ("share", int),
        ("count", UUID),
        ("text", datetime),
        ("inner", datetime),
        ("at", Inner),
        ("text", Inner),
        ("text", Colour),
        ("colour", int),
        ("colour", Shade),
        ("inner", Grown),
        ("ids", UUID),
        ("text", tuple[str, ...]),
        ("inner", Mapping[str, str]),
        ("inners", Mapping[str, str]),
        ("labels", tuple[str, ...]),
    ],
)
def test_a_field_of_another_type_than_the_contracts_is_refused_at_construction(
    name: str, kind: Any
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each kind of drift has its own words
        Converter(narrowed(name, kind), OuterMessage, only_proto=only(name))


def test_an_absent_optional_field_that_the_record_needs_is_an_error_with_its_name() -> None:
    record = Converter(narrowed("maybe_count", int), OuterMessage, only_proto=only("maybe_count"))

    with pytest.raises(ValueError, match="maybe_count is absent"):
        record.from_proto(OuterMessage())
