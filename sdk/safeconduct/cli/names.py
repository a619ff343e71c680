"""Names of enum values as people write them: without the prefix that the contract gives them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.descriptor import EnumDescriptor

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import (
        _EnumTypeWrapper as Enum,  # generic in the stubs only
    )

Value = TypeVar("Value", bound=int)


class UnknownNameError(ValueError):
    """No value of this name. The message lists the names there are."""


def names(enum: EnumDescriptor) -> list[str]:
    """All names without prefix, but for UNSPECIFIED."""
    return [value.name.removeprefix(_prefix(enum)) for value in enum.values if value.number != 0]


def short(enum: Enum[Value], number: int) -> str:
    """The name of a value without prefix; empty for UNSPECIFIED, the number for one that a newer service knows."""
    if number == 0:
        return ""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(_prefix(enum.DESCRIPTOR)) if value else str(number)


def full_name(enum: EnumDescriptor, text: str) -> str:
    """The full name of what somebody wrote, with or without prefix, in any case. Raises UnknownNameError."""
    wanted = text.strip().upper().replace("-", "_").removeprefix(_prefix(enum))
    known = names(enum)
    if wanted in known:
        return _prefix(enum) + wanted
    close = difflib.get_close_matches(wanted, known, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    message = f"{text!r} is none of {', '.join(known)}{guess}"
    raise UnknownNameError(message)


def choose(enum: Enum[Value], text: str) -> Value:
    """The value of what somebody wrote. Raises UnknownNameError."""
    return enum.Value(full_name(enum.DESCRIPTOR, text))


def _prefix(enum: EnumDescriptor) -> str:
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")
