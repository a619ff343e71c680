"""Reads a list in the layout of OpenSanctions' `targets.simple.csv`.

The layout is simple to write by hand, so it also suits a list of your own.
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
"""Required columns.

`program_ids`, `sanctions` and `dataset` are read if present; others are ignored.
"""

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
    """Returns all parties, in the publisher's order, as entries of `list_code`.

    content: CSV, plain or gzip-compressed. Raises ListUnreadable if the file is empty, truncated or
    not in its columns, or if two parties have one id.
    """
    reader = csv.DictReader(io.StringIO(decoded(content), newline=""), strict=True)
    if missing := COLUMNS - frozenset(reader.fieldnames or ()):
        raise ListUnreadable(f"columns missing: {', '.join(sorted(missing))}")
    entries = distinct(_entries(reader, list_code))
    if not entries:
        raise ListUnreadable("the list has no parties", Flaw.EMPTY)
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
        raise ListUnreadable(f"line {line}: a party has no name or no id")
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
        # The layout has values of identifiers without their types.
        identifiers=tuple(("Identifier", each) for each in _parts(fields["identifiers"])),
        addresses=_parts(fields["addresses"]),
        programs=_parts(fields.get("program_ids", "")) or _parts(fields.get("sanctions", "")),
        source_list=fields.get("dataset", ""),
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for each in text.split(";") if (part := each.strip())))
