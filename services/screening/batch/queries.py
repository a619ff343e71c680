"""Reads one line of a book of parties: JSON in, a party to be screened out, or what is wrong with the line."""

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
"""The kind by the name of a schema, lower case. A schema that is not here (LegalEntity, Thing) says nothing."""

UNTYPED: Final = "Identifier"
"""The type of an identifier that is given by its value only."""


class Fault(StrEnum):
    """Why a line was not screened."""

    LINE_MALFORMED = "LINE_MALFORMED"
    FIELD_INVALID = "FIELD_INVALID"
    ENGINE_FAULT = "ENGINE_FAULT"


@dataclass(frozen=True, slots=True)
class Asked:
    """A party to be screened, and what its line calls it."""

    id: str | int
    party: PartyQuery


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that asks for nothing that can be screened. id: None when even that cannot be read."""

    id: str | int | None
    fault: Fault
    detail: str


class _Invalid(ValueError):  # noqa: N818  what happened, in the words of the format
    """A field is not what it must be."""


def read_line(line: bytes) -> Asked | Unreadable:
    """The party a line asks about.

    {"id", "name" | "names", "schema"?, "birth_date"?, "countries"?, "identifiers"?, "addresses"?}: names, countries and
    addresses as one text or a list; identifiers as values, or as {"type", "value"}. Further fields are ignored.
    """
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Unreadable(None, Fault.LINE_MALFORMED, f"not JSON in UTF-8: {error}"[:200])
    if not isinstance(fields, dict):
        return Unreadable(None, Fault.LINE_MALFORMED, "not a JSON object")
    asked = fields.get("id")
    if not isinstance(asked, str | int) or isinstance(asked, bool):
        return Unreadable(None, Fault.FIELD_INVALID, "id: a text or a whole number is needed")
    try:
        return Asked(asked, _party(fields))
    except _Invalid as error:
        return Unreadable(asked, Fault.FIELD_INVALID, str(error))


def _party(fields: Mapping[str, Json]) -> PartyQuery:
    if fields.get("name") is None and fields.get("names") is None:
        raise _Invalid("name or names is needed")
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
    """A text; a number where people write one without quotes (a birth year). A lone surrogate is no text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _Invalid(f"{name}: a text or a list of texts is needed")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise _Invalid(f"{name}: half a character (a lone surrogate) is in it")
    return value


def _identifier(value: Json) -> Identifier:
    if isinstance(value, dict):
        return _text(value.get("type") or UNTYPED, "identifiers"), _text(
            value.get("value"), "identifiers"
        )
    return UNTYPED, _text(value, "identifiers")
