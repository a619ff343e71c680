"""Reads an application file into `ApplicationDetails`, by the published JSON Schema.

Checks what cannot be sent: names, types, missing fields. The service checks the rest, and
`RefusedFileError` puts its findings at the lines of the file. Enum names have no prefix. Times are
ISO 8601 or relative to now, for instance `-30d`. Bytes are hexadecimal, base64 or a PEM file.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.application_schema import load_schema
from safeconduct.cli.enum_names import UnknownNameError, full_name
from safeconduct.cli.parsed_file import Fault, FileError, ParsedFile, parse
from safeconduct.errors import KeyFileError

KEY_FILE: Final = "key_file"
TIMESTAMP: Final = "google.protobuf.Timestamp"
RELATIVE: Final = re.compile(r"^([+-]\d{1,5})([dh])$")
HEXADECIMAL: Final = re.compile(r"^([0-9a-fA-F]{2})+$")
INTEGERS: Final = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64})
BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class _InvalidValueError(Exception):
    """A value that does not fit its field. Does not leave this module."""


@dataclass(slots=True)
class _Reader:
    """The state of reading one file: where its relative paths start, the time, and its faults."""

    folder: Path
    now: datetime
    faults: list[Fault]
    is_complete: bool
    """Whether missing fields are faults."""
    schema: Mapping[str, Any] = field(default_factory=load_schema)
    listed: set[str] = field(default_factory=set)
    """The messages whose allowed fields were printed already; once is enough."""
    described: set[tuple[str, str]] = field(default_factory=set)
    """The missing fields, by message and name, that were described already."""


def read_application(file: Path, now: datetime) -> model.ApplicationDetails:
    """The application in a YAML or JSON file, as far as it is filled in.

    Relative times count from `now` (UTC). Raises FileError with all faults of names and values.
    """
    return _read(file, now, is_complete=False)[0]


def read_complete(file: Path, now: datetime) -> tuple[model.ApplicationDetails, ParsedFile]:
    """The application in a file, and the parsed file with the line of each field.

    Raises FileError with all faults; a missing field is one, too.
    """
    return _read(file, now, is_complete=True)


def _read(
    file: Path, now: datetime, *, is_complete: bool
) -> tuple[model.ApplicationDetails, ParsedFile]:
    parsed = parse(file)
    reader = _Reader(file.parent, now, parsed.faults, is_complete)
    details = model.ApplicationDetails()
    _fill(reader, details, parsed.content, "")
    if reader.faults:
        raise FileError(file, tuple(reader.faults), parsed.lines)
    return details, parsed


def _fill(reader: _Reader, message: Message, content: Any, path: str) -> None:
    definition = reader.schema[message.DESCRIPTOR.name]
    if not isinstance(content, dict):
        allowed = ", ".join(definition["properties"])
        reader.faults.append(Fault(path, f"must be a mapping with these fields: {allowed}"))
        return
    fields: dict[str, Any] = {one.name: one for one in message.DESCRIPTOR.fields}
    by_json_name = {one.json_name: one for one in fields.values()}
    present = set()
    for key, value in content.items():
        below = f"{path}.{key}" if path else str(key)
        found = fields.get(key) or by_json_name.get(key)
        present.add(found.name if found is not None else key)
        if found is not None:
            _set(reader, message, found, value, below)
        elif key in definition["properties"]:
            _assign(reader, below, partial(_set_key, reader, message, value))
        else:
            reader.faults.append(Fault(below, _unknown(reader, message.DESCRIPTOR.name, str(key))))
    if reader.is_complete:
        reader.faults += [
            Fault(
                f"{path}.{name}" if path else name,
                _missing(reader, message.DESCRIPTOR.name, name),
            )
            for name in _required(definition, content)
            if name not in present
        ]


def _unknown(reader: _Reader, name: str, key: str) -> str:
    allowed = list(reader.schema[name]["properties"])
    close = [each for each in allowed if key in each.split("_")]
    close += difflib.get_close_matches(key, allowed, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if name in reader.listed:
        return f"unknown field {key!r}.{hint}"
    reader.listed.add(name)
    return f"unknown field {key!r}.{hint} Allowed fields: {', '.join(allowed)}."


def _required(definition: Mapping[str, Any], content: Mapping[str, Any]) -> list[str]:
    """The fields that this content must have: those of the schema, and those that a role brings."""
    required = list(definition["required"])
    roles = content.get("roles")
    if "then" in definition and isinstance(roles, list) and "SIGNATORY" in roles:
        required += definition["then"]["required"]
    if KEY_FILE in definition["properties"] and KEY_FILE not in content:
        required.insert(0, "public_key")
    return required


def _missing(reader: _Reader, message: str, name: str) -> str:
    """The text for a missing field. The first time, it has the meaning and an example."""
    if (message, name) in reader.described:
        return "is missing"
    reader.described.add((message, name))
    if name == "signing_authority":
        return (
            "is missing: a party with role SIGNATORY needs it. Example: "
            "{key_file: keys/signatory.pem, is_authorized: true, binds_party_id: end-user}"
        )
    if name == "public_key":
        return "is missing. Example: key_file: keys/signatory.pem"
    schema = reader.schema[message]["properties"][name]
    text = f"is missing. {schema['description']}".rstrip()
    examples = schema.get("examples")
    return f"{text} Example: {name}: {_written(examples[0])}" if examples else text


def _written(value: Any) -> str:
    """A value as YAML writes it in one line."""
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def _set(reader: _Reader, message: Message, target: Any, value: Any, path: str) -> None:
    if value is None:
        reader.faults.append(Fault(path, "is empty; remove the field or give it a value"))
    elif target.is_repeated:
        _set_list(reader, message, target, value, path)
    elif target.message_type is not None and target.message_type.full_name != TIMESTAMP:
        below = getattr(message, target.name)
        below.SetInParent()
        _fill(reader, below, value, path)
    elif target.message_type is not None:
        timestamp = getattr(message, target.name)
        _assign(reader, path, lambda: timestamp.FromDatetime(_time(value, reader.now)))
    else:
        _assign(reader, path, lambda: setattr(message, target.name, _scalar(reader, target, value)))


def _set_list(reader: _Reader, message: Message, target: Any, value: Any, path: str) -> None:
    if not isinstance(value, list):
        shown = value if isinstance(value, str) else "..."
        reader.faults.append(Fault(path, f"must be a list, for example [{shown}]"))
        return
    elements = getattr(message, target.name)
    for index, element in enumerate(value):
        below = f"{path}[{index}]"
        if target.message_type is not None:
            _fill(reader, elements.add(), element, below)
        else:
            _assign(reader, below, partial(_append, reader, elements, target, element))


def _append(reader: _Reader, elements: Any, target: Any, value: Any) -> None:
    elements.append(_scalar(reader, target, value))


def _assign(reader: _Reader, path: str, assign: Callable[[], object]) -> None:
    """Runs `assign`, and records what it raises as a fault."""
    try:
        assign()
    except (_InvalidValueError, UnknownNameError, KeyFileError) as error:
        reader.faults.append(Fault(path, str(error)))
    except (ValueError, TypeError, OverflowError):
        reader.faults.append(Fault(path, "is out of range or has the wrong type"))


def _scalar(reader: _Reader, target: Any, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise _InvalidValueError("must be a single value")
    if target.enum_type is not None:
        return target.enum_type.values_by_name[full_name(target.enum_type, str(value))].number
    if target.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _boolean(value)
    if target.cpp_type in INTEGERS:
        return _integer(value)
    if target.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return _number(value)
    if target.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(str(value), reader.folder)
    if not isinstance(value, str):
        raise _InvalidValueError("must be text")
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in BOOLEANS:
        raise _InvalidValueError(f"{value!r} is not valid. Use true or false.")
    return BOOLEANS[str(value).lower()]


def _integer(value: Any) -> int:
    text = str(value).replace("_", "")
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,19}", text):
        raise _InvalidValueError(f"{value!r} is not a whole number, for example 365")
    return int(text)


def _number(value: Any) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise _InvalidValueError(f"{value!r} is not a number, for example 55 or 33.3") from error


def _time(value: Any, now: datetime) -> datetime:
    """ISO 8601 with a zone, a bare date as midnight UTC, or a number of days or hours from now."""
    text = str(value).strip()
    if relative := RELATIVE.match(text):
        amount = int(relative[1])
        return now + (timedelta(days=amount) if relative[2] == "d" else timedelta(hours=amount))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), timezone.utc)
        # Python 3.10 does not read the Z of UTC.
        found = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError as error:
        raise _InvalidValueError(
            f"{text!r} is not a valid date. Use 2026-11-30, 2026-11-30T12:00:00Z or -30d."
        ) from error
    if found.tzinfo is None:
        raise _InvalidValueError(f"{text!r} has no time zone. For UTC, use {text}Z.")
    return found.astimezone(timezone.utc)


def _bytes(text: str, folder: Path) -> bytes:
    if text.endswith(".pem"):
        return _public_key(folder / text)
    if HEXADECIMAL.match(text):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _InvalidValueError("is neither hexadecimal nor base64 nor a .pem file") from error


def _set_key(reader: _Reader, message: Message, value: Any) -> None:
    """Fills `public_key` from the file that `key_file` names."""
    file = reader.folder / str(value)
    if not file.exists():
        raise _InvalidValueError(
            f"{file} does not exist; make it with: safeconduct applications keygen --out {file}"
        )
    message.public_key = _public_key(file)  # type: ignore[attr-defined]  # set only where the contract has the field


def _public_key(file: Path) -> bytes:
    from safeconduct.conduct import load_public_key

    return load_public_key(file)
