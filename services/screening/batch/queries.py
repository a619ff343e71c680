"""Parses one line of the input: a party to be screened, or the fault of the line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.screening.core.model import Identifier, PartyKind, PartyQuery

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

KINDS: Final[Mapping[str, PartyKind]] = {
    "person": PartyKind.PERSON,
    "organization": PartyKind.ORGANISATION,
    "organisation": PartyKind.ORGANISATION,
    "company": PartyKind.ORGANISATION,
    "publicbody": PartyKind.ORGANISATION,
    "vessel": PartyKind.VESSEL,
    "airplane": PartyKind.AIRCRAFT,
    "aircraft": PartyKind.AIRCRAFT,
}
"""Party kinds by schema name in lower case.

Other schemas (LegalEntity, Thing) are of unknown kind.
"""

_UNTYPED: Final = "Identifier"
"""Type of an identifier that is given as a value without a type."""


class Fault(StrEnum):
    """Reason why a line was not screened. ENGINE_FAULT: the matcher failed on it."""

    LINE_MALFORMED = "LINE_MALFORMED"
    FIELD_INVALID = "FIELD_INVALID"
    ENGINE_FAULT = "ENGINE_FAULT"


@dataclass(frozen=True, slots=True)
class Query:
    """A party to be screened, with the id of its line."""

    id: str | int
    party: PartyQuery


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line that cannot be screened. id: None if it cannot be read either."""

    id: str | int | None
    fault: Fault
    detail: str


class _FieldError(ValueError):
    """A field is invalid. The message names the field and what would be right."""


def read_line(line: bytes) -> Query | InvalidLine:
    """Returns the party of a line, or its fault.

    A line is a JSON object {"id", "name" | "names", "schema"?, "birth_date"?, "countries"?,
    "identifiers"?, "addresses"?}. Names, countries and addresses are a string or a list of strings;
    identifiers are values or {"type", "value"}. Other fields are ignored.
    """
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return InvalidLine(None, Fault.LINE_MALFORMED, f"not JSON in UTF-8: {error}"[:200])
    if not isinstance(fields, dict):
        return InvalidLine(None, Fault.LINE_MALFORMED, "not a JSON object")
    query_id = fields.get("id")
    if not isinstance(query_id, str | int) or isinstance(query_id, bool):
        return InvalidLine(None, Fault.FIELD_INVALID, "id: must be a string or an integer")
    try:
        return Query(query_id, _party(fields))
    except _FieldError as error:
        return InvalidLine(query_id, Fault.FIELD_INVALID, str(error))


def _party(fields: Mapping[str, Json]) -> PartyQuery:
    if fields.get("name") is None and fields.get("names") is None:
        raise _FieldError("name: required (or names)")
    births = _texts(fields, "birth_date")
    return PartyQuery(
        names=tuple(dict.fromkeys((*_texts(fields, "name"), *_texts(fields, "names")))),
        kind=KINDS.get("".join(_texts(fields, "schema")).casefold(), PartyKind.UNKNOWN),
        birth_date=births[0] if births else None,
        countries=tuple(code.upper() for code in _texts(fields, "countries")),
        identifiers=tuple(_identifier(each) for each in _list(fields.get("identifiers"))),
        addresses=_texts(fields, "addresses"),
    )


def _list(value: Json) -> list[Json]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _texts(fields: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return tuple(_text(each, name) for each in _list(fields.get(name)) if each is not None)


def _text(value: Json, name: str) -> str:
    """Returns a string; accepts an integer too, since a birth year often has no quotes.

    Raises _FieldError for other types and for a lone surrogate, which is no character.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _FieldError(f"{name}: must be a string or a list of strings")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise _FieldError(f"{name}: has half a character (a lone surrogate)")
    return value


def _identifier(value: Json) -> Identifier:
    if isinstance(value, dict):
        return _text(value.get("type") or _UNTYPED, "identifiers"), _text(
            value.get("value"), "identifiers"
        )
    return _UNTYPED, _text(value, "identifiers")
