"""Reads one line of a file of parties: JSON in, a party to screen out.

The lines are those of `safeconduct-screening match`: {"id", "name" | "names", "schema"?,
"birth_date"?, "countries"?, "identifiers"?, "addresses"?}. Values are texts or lists of texts;
identifiers are values or {"type", "value"}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from safeconduct.screening.v1 import model_pb2 as model

KINDS: Final[Mapping[str, model.PartyKind.ValueType]] = {
    "person": model.PARTY_KIND_PERSON,
    "organization": model.PARTY_KIND_ORGANISATION,
    "organisation": model.PARTY_KIND_ORGANISATION,
    "company": model.PARTY_KIND_ORGANISATION,
    "publicbody": model.PARTY_KIND_ORGANISATION,
    "vessel": model.PARTY_KIND_VESSEL,
    "airplane": model.PARTY_KIND_VESSEL,
    "aircraft": model.PARTY_KIND_VESSEL,
}
"""The kind by the name of a schema in lower case. Any other schema leaves the kind open."""
UNTYPED: Final = "Identifier"
MAX_BYTES: Final = 1024 * 1024
"""Bound of one line, as of one request."""


class LineError(ValueError):
    """A line that names no party. `id` is the line's own id, or empty."""

    def __init__(self, query_id: str, detail: str) -> None:
        super().__init__(detail)
        self.id = query_id


def read_line(line: bytes) -> tuple[str, model.PartyQuery]:
    """The id and the party of a line. The service checks the party's fields. Raises LineError."""
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise LineError("", "is not JSON in UTF-8") from None
    if not isinstance(fields, dict):
        raise LineError("", "is not a JSON object")
    query_id = fields.get("id")
    if not isinstance(query_id, str | int) or isinstance(query_id, bool) or query_id == "":
        raise LineError("", "needs an id: a text or a whole number")
    try:
        return str(query_id), _party(fields)
    except (TypeError, ValueError) as error:
        raise LineError(str(query_id), str(error)) from None


def _party(fields: Mapping[str, Any]) -> model.PartyQuery:
    names = (*_texts(fields, "name"), *_texts(fields, "names"))
    if not names:
        raise ValueError("needs name or names")
    return model.PartyQuery(
        names=dict.fromkeys(names),
        kind=KINDS.get("".join(_texts(fields, "schema")).casefold(), model.PARTY_KIND_UNSPECIFIED),
        birth_date="".join(_texts(fields, "birth_date")[:1]),
        countries=[code.upper() for code in _texts(fields, "countries")],
        identifiers=[_identifier(each) for each in _list(fields.get("identifiers"))],
        addresses=_texts(fields, "addresses"),
    )


def _identifier(value: Any) -> model.Identifier:
    if isinstance(value, dict):
        kind = value.get("type") or UNTYPED
        return model.Identifier(
            type=_text(kind, "identifiers"), value=_text(value.get("value"), "identifiers")
        )
    return model.Identifier(type=UNTYPED, value=_text(value, "identifiers"))


def _texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(_text(each, name) for each in _list(fields.get(name)) if each is not None)


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _text(value: Any, name: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # Lone surrogates are valid in JSON escapes, but not in UTF-8.
    if not isinstance(value, str) or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{name} must be a text or a list of texts")
    return value
