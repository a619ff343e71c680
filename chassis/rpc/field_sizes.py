"""Finds the field that makes a message large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message


def largest_field(message: Message) -> tuple[str, int]:
    """Returns path and bytes of the field that makes the message large; ("", 0) if it is empty.

    The path follows the largest field from level to level, for instance `details.parties[2].name`.
    It ends at a repeated field if none of its elements has more than half of the field's bytes.
    """
    sizes = [(_bytes(field, value), field, value) for field, value in message.ListFields()]
    if not sizes:
        return "", 0
    size, field, value = max(sizes, key=lambda each: each[0])
    path: str = field.name
    if field.is_repeated and not _is_map(field):
        elements: Sequence[Any] = value
        largest = max(range(len(elements)), key=lambda n: _element_bytes(elements[n]))
        element = elements[largest]
        if _element_bytes(element) * 2 <= size:
            return path, size
        path, size, value = f"{path}[{largest}]", _element_bytes(element), element
    if isinstance(value, Message) and (inner := largest_field(value))[1] * 2 > size:
        return f"{path}.{inner[0]}", inner[1]
    return path, size


def _bytes(field: FieldDescriptor, value: Any) -> int:
    if _is_map(field):
        return sum(_element_bytes(key) + _element_bytes(value[key]) for key in value)
    if field.is_repeated:
        return sum(map(_element_bytes, value))
    return _element_bytes(value)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _element_bytes(value: Any) -> int:
    """Returns the bytes of one value. A number counts as one varint of ten bytes at most."""
    if isinstance(value, Message):
        return value.ByteSize()
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else 10
