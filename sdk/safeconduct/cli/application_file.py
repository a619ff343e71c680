"""Turns the content of an application file into `ApplicationDetails`, by the contract's own description of it.

Enum names go without prefix; moments as ISO 8601 or relative to now, for instance `-30d`; bytes as
hexadecimal, base64 or a PEM file; `key_file` gives a signatory's public key. What the contract does
not name is refused with its path.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.enum_names import UnknownNameError, full_name
from safeconduct.cli.parsed_file import Fault, FileError, parse
from safeconduct.conduct import load_public_key
from safeconduct.errors import KeyFileError

KEY_FILE: Final = "key_file"
TIMESTAMP: Final = "google.protobuf.Timestamp"
RELATIVE: Final = re.compile(r"^([+-]\d{1,5})([dh])$")
HEXADECIMAL: Final = re.compile(r"^([0-9a-fA-F]{2})+$")
INTEGERS: Final = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64})
BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """A value that does not fit its field."""


@dataclass(slots=True)
class _Reading:
    """One file being read: where its relative paths begin, what now is, and what was wrong so far."""

    folder: Path
    now: datetime
    faults: list[Fault]


def read_application(file: Path, now: datetime) -> model.ApplicationDetails:
    """The application in a YAML or JSON file. `now` (UTC) is what relative moments count from.

    Raises FileError with every fault found. Whether the application is complete and consistent is
    the service's to say.
    """
    source = parse(file)
    reading = _Reading(folder=file.parent, now=now, faults=source.faults)
    details = model.ApplicationDetails()
    _fill(reading, details, source.content, "")
    if reading.faults:
        raise FileError(file, tuple(reading.faults), source.lines)
    return details


def _fill(reading: _Reading, message: Message, content: Any, path: str) -> None:
    if not isinstance(content, dict):
        reading.faults.append(
            Fault(path, "must hold named fields: " + ", ".join(_field_names(message)))
        )
        return
    fields: dict[str, Any] = {field.name: field for field in message.DESCRIPTOR.fields}
    by_json_name = {field.json_name: field for field in fields.values()}
    for key, value in content.items():
        below = f"{path}.{key}" if path else str(key)
        field = fields.get(key) or by_json_name.get(key)
        if field is not None:
            _set(reading, message, field, value, below)
        elif key == KEY_FILE and "public_key" in fields:
            _guarded(reading, below, lambda value=value: _assign_key(reading, message, value))
        else:
            known = ", ".join(_field_names(message))
            reading.faults.append(Fault(below, f"is no field here; there are {known}"))


def _set(reading: _Reading, message: Message, field: Any, value: Any, path: str) -> None:
    if value is None:
        reading.faults.append(Fault(path, "is empty; leave it out or give a value"))
    elif field.is_repeated:
        _set_list(reading, message, field, value, path)
    elif field.message_type is not None and field.message_type.full_name != TIMESTAMP:
        target = getattr(message, field.name)
        target.SetInParent()
        _fill(reading, target, value, path)
    elif field.message_type is not None:
        _guarded(
            reading,
            path,
            lambda: getattr(message, field.name).FromDatetime(_moment(value, reading.now)),
        )
    else:
        _guarded(
            reading, path, lambda: setattr(message, field.name, _scalar(reading, field, value))
        )


def _set_list(reading: _Reading, message: Message, field: Any, value: Any, path: str) -> None:
    if not isinstance(value, list):
        reading.faults.append(Fault(path, "must be a list"))
        return
    target = getattr(message, field.name)
    for index, element in enumerate(value):
        below = f"{path}[{index}]"
        if field.message_type is not None:
            _fill(reading, target.add(), element, below)
        else:
            _guarded(
                reading,
                below,
                lambda element=element: target.append(_scalar(reading, field, element)),
            )


def _guarded(reading: _Reading, path: str, assign: Any) -> None:
    try:
        assign()
    except (_Refused, UnknownNameError, KeyFileError) as refusal:
        reading.faults.append(Fault(path, str(refusal)))
    except (ValueError, TypeError, OverflowError):
        reading.faults.append(Fault(path, "is out of range or of the wrong kind"))


def _scalar(reading: _Reading, field: Any, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise _Refused("must be a single value")
    if field.enum_type is not None:
        return field.enum_type.values_by_name[full_name(field.enum_type, str(value))].number
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _boolean(value)
    if field.cpp_type in INTEGERS:
        return _integer(value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return _number(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(str(value), reading.folder)
    if not isinstance(value, str):
        raise _Refused("must be text")
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in BOOLEANS:
        raise _Refused(f"{value!r} is neither true nor false")
    return BOOLEANS[str(value).lower()]


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,19}", str(value).replace("_", "")):
        raise _Refused(f"{value!r} is no whole number")
    return int(str(value).replace("_", ""))


def _number(value: Any) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise _Refused(f"{value!r} is no number") from error


def _moment(value: Any, now: datetime) -> datetime:
    """ISO 8601 with a zone, a bare date as midnight UTC, or so many days or hours from now."""
    text = str(value).strip()
    if relative := RELATIVE.match(text):
        amount = int(relative[1])
        return now + (timedelta(days=amount) if relative[2] == "d" else timedelta(hours=amount))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), timezone.utc)
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))  # Python 3.10 knows no Z
    except ValueError as error:
        raise _Refused(
            f"{text!r} is no moment; write 2026-01-31T12:00:00Z, 2026-01-31 or -30d"
        ) from error
    if moment.tzinfo is None:
        raise _Refused(f"{text!r} names no time zone; end it with Z for UTC")
    return moment.astimezone(timezone.utc)


def _bytes(text: str, folder: Path) -> bytes:
    if text.endswith(".pem"):
        return load_public_key(folder / text)
    if HEXADECIMAL.match(text):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Refused("is neither hexadecimal nor base64 nor a .pem file") from error


def _assign_key(reading: _Reading, message: Message, value: Any) -> None:
    file = reading.folder / str(value)
    if not file.exists():
        raise _Refused(
            f"{file} does not exist; make it with: safeconduct applications keygen --out {file}"
        )
    message.public_key = load_public_key(file)  # type: ignore[attr-defined]  # set only where the contract has the field


def _field_names(message: Message) -> list[str]:
    found = [field.name for field in message.DESCRIPTOR.fields]
    return [*found, KEY_FILE] if "public_key" in found else found
