"""Reads a list in the layout of OpenSanctions' `targets.simple.csv`. Knows its columns, nothing of matching.

The layout is also a simple one to write by hand: a list of one's own can be kept in it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Final

from services.screening.core.lists.countries import country_codes
from services.screening.core.lists.parsed_list import (
    Flaw,
    ListUnreadable,
    content_hash,
    decoded,
    distinct,
)
from services.screening.core.model import Entry, PartyKind

COLUMNS: Final = frozenset(
    {"id", "schema", "name", "aliases", "birth_date", "countries", "addresses", "identifiers"}
)
"""Columns that must be present; further ones are read where they are known and else ignored."""

KINDS: Final[Mapping[str, PartyKind]] = {
    "Person": PartyKind.PERSON,
    "Organization": PartyKind.ORGANISATION,
    "Company": PartyKind.ORGANISATION,
    "PublicBody": PartyKind.ORGANISATION,
    "Vessel": PartyKind.VESSEL,
    "Airplane": PartyKind.AIRCRAFT,
}
HOUSEKEEPING: Final = frozenset({"first_seen", "last_seen", "last_change", "dataset"})


def read_entries(content: bytes, list_code: str) -> tuple[Entry, ...]:
    """Every party, in the publisher's order, as an entry of `list_code`. content: plain or gzip-compressed CSV.

    Raises ListUnreadable when the file is empty, cut short, not in its columns, or gives two parties one id.
    """
    reader = csv.DictReader(io.StringIO(decoded(content), newline=""), strict=True)
    if missing := COLUMNS - frozenset(reader.fieldnames or ()):
        raise ListUnreadable(f"columns missing: {', '.join(sorted(missing))}")
    entries = distinct(_entries(reader, list_code))
    if not entries:
        raise ListUnreadable("the list holds nobody", Flaw.EMPTY)
    return entries


def _entries(reader: csv.DictReader[str], list_code: str) -> Iterable[Entry]:
    try:
        for row in reader:
            if None in row or None in row.values():
                raise ListUnreadable(f"line {reader.line_num}: wrong number of columns")
            yield _entry(
                {key: " ".join(text.split()) for key, text in row.items()},
                list_code,
                reader.line_num,
            )
    except csv.Error as error:
        raise ListUnreadable(f"line {reader.line_num}: {error}") from error


def _entry(fields: Mapping[str, str], list_code: str, line: int) -> Entry:
    if not fields["id"] or not fields["name"]:
        raise ListUnreadable(f"line {line}: a party without name or id")
    return Entry(
        entry_id=f"{list_code}-{fields['id']}",
        list_code=list_code,
        name=fields["name"],
        content_hash=content_hash(
            {key: text for key, text in fields.items() if key not in HOUSEKEEPING}
        ),
        aliases=tuple(each for each in _parts(fields["aliases"]) if each != fields["name"]),
        kind=KINDS.get(fields["schema"], PartyKind.UNKNOWN),
        birth_dates=_parts(fields["birth_date"]),
        countries=country_codes(_parts(fields["countries"])),
        # The layout gives values without their types.
        identifiers=tuple(("Identifier", each) for each in _parts(fields["identifiers"])),
        addresses=_parts(fields["addresses"]),
        programs=_parts(fields.get("program_ids", "")) or _parts(fields.get("sanctions", "")),
        source_list=fields.get("dataset", ""),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for each in text.split(";") if (part := each.strip())))
