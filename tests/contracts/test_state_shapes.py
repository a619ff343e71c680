"""A state or an event never changes its shape under the same number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pytest

from tests.contracts.state_shapes import Shape, differences, read, shape_of, shapes

ADVICE = """\
The shape of {kind} has changed under the number {number}.
Replicas of the release before would decode the new rows, drop what they do not know, and write the
rows back. Raise STATE_SCHEMA and run `python -m tests.contracts.state_shapes`.
{differences}"""


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: shape.kind)
def test_a_changed_shape_has_a_number_of_its_own(shape: Shape) -> None:
    numbers = read(shape.service)[shape.kind]["numbers"]

    assert numbers.get(str(shape.number)) == shape.fingerprint, ADVICE.format(
        kind=shape.kind, number=shape.number, differences="\n".join(differences(shape))
    )


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: shape.kind)
def test_the_numbers_of_a_shape_have_no_gap(shape: Shape) -> None:
    numbers = read(shape.service)[shape.kind]["numbers"]

    assert [int(number) for number in numbers] == list(range(1, shape.number + 1))


class Color(StrEnum):
    RED = "RED"


class MoreColors(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


@dataclass(frozen=True)
class Part:
    color: Color


@dataclass(frozen=True)
class Made:
    part: Part


@dataclass(frozen=True)
class Sold:
    to: str


@dataclass(frozen=True)
class Thing:
    parts: tuple[Part, ...]


def renamed(name: str, **fields: object) -> type:
    """Returns a dataclass of that name with these fields."""
    return dataclass(frozen=True)(type(name, (), {"__annotations__": fields}))


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (renamed("Thing", parts=tuple[Part, ...], note=str), Made | Sold),
        (renamed("Thing", pieces=tuple[Part, ...]), Made | Sold),
        (renamed("Thing", parts=frozenset[Part]), Made | Sold),
        (Thing, Made | Sold | renamed("Lost", at=str)),
        (Thing, Made | renamed("Sold", to=str, price=int)),
        (renamed("Thing", parts=tuple[renamed("Part", color=MoreColors), ...]), Made | Sold),
        (renamed("Thing", parts=tuple[renamed("Part", color=Color | None), ...]), Made | Sold),
    ],
    ids=["field", "name", "type", "event type", "field of an event", "enum member", "inner type"],
)
def test_the_shape_changes_with_a_new(state: type, event: object) -> None:
    assert shape_of(state, event) != shape_of(Thing, Made | Sold)


def test_the_shape_does_not_change_with_the_order_of_fields_and_events() -> None:
    state = renamed("Two", one=int, two=str)

    assert shape_of(state, Made | Sold) == shape_of(renamed("Two", two=str, one=int), Sold | Made)
