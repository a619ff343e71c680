"""Names of enum values as people write them: without the prefix that the contract gives them."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.internal.enum_type_wrapper import (
        _EnumTypeWrapper as Enum,  # generic in the stubs only
    )

Value = TypeVar("Value", bound=int)


class UnknownNameError(ValueError):
    """No value of this name. The message lists the names there are."""


def names(enum: EnumDescriptor) -> list[str]:
    """All names of an enum, without prefix and without UNSPECIFIED."""
    return [value.name.removeprefix(_prefix(enum)) for value in enum.values if value.number != 0]


def short(enum: Enum[Value], number: int) -> str:
    """The name of a value without prefix.

    Empty for UNSPECIFIED; the number for a value that only a newer service knows.
    """
    if number == 0:
        return ""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(_prefix(enum.DESCRIPTOR)) if value else str(number)


def full_name(enum: EnumDescriptor, text: str) -> str:
    """The full name of a value that a person wrote: with or without prefix, in any case.

    Accepts -IZATION for -ISATION. Raises UnknownNameError.
    """
    written = text.strip().upper().replace("-", "_").removeprefix(_prefix(enum))
    known = names(enum)
    for spelling in (written, written.replace("IZATION", "ISATION")):
        if spelling in known:
            return _prefix(enum) + spelling
    close = difflib.get_close_matches(written, known, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", enum.name).lower()
    message = f"unknown {kind} {text!r}. Choose from: {', '.join(known)}.{guess}"
    raise UnknownNameError(message)


def choose(enum: Enum[Value], text: str) -> Value:
    """The value of a name that a person wrote. Raises UnknownNameError."""
    return enum.Value(full_name(enum.DESCRIPTOR, text))


def choose_or_unset(enum: Enum[Value], text: str) -> Value:
    """The value of a name, or the enum's value 0 for an empty text. Raises UnknownNameError."""
    return choose(enum, text) if text else enum.Value(f"{_prefix(enum.DESCRIPTOR)}UNSPECIFIED")


def _prefix(enum: EnumDescriptor) -> str:
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")
