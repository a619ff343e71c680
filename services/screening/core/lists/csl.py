"""Reads the US Consolidated Screening List as published in CSV. Knows its columns and wording, nothing of matching."""

# ruff: noqa: SIM905  tables of words read best as text

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Final

from services.screening.core.lists.parsed_list import (
    Flaw,
    ListUnreadable,
    content_hash,
    decoded,
    distinct,
)
from services.screening.core.model import Entry, Identifier, PartyKind

COLUMNS: Final = frozenset(
    "_id source entity_number type programs name addresses federal_register_notice license_requirement call_sign "
    "vessel_flag remarks source_list_url alt_names citizenships dates_of_birth nationalities source_information_url "
    "ids".split()
)
"""Columns that must be present. Further columns of the publisher are ignored, missing ones refuse the file."""

MINIMUM_ENTRIES: Final = 1_000
"""Fewer parties than this are no Consolidated Screening List: the list has held over 10,000 for years."""

LIST_CODES: Final[Mapping[str, str]] = {
    "Capta List": "CAP",
    "Denied Persons List": "DPL",
    "Entity List": "EL",
    "Foreign Sanctions Evaders": "FSE",
    "ITAR Debarred": "DTC",
    "Military End User": "MEU",
    "Non-SDN Chinese Military-Industrial Complex Companies List": "CMIC",
    "Non-SDN Menu-Based Sanctions List": "MBS",
    "Nonproliferation Sanctions": "ISN",
    "Palestinian Legislative Council List": "PLC",
    "Sectoral Sanctions Identifications List": "SSI",
    "Specially Designated Nationals": "SDN",
    "Unverified List": "UVL",
}
"""Code of a list by how the publisher's `source` column begins."""

KINDS: Final[Mapping[str, PartyKind]] = {
    "individual": PartyKind.PERSON,
    "entity": PartyKind.ORGANISATION,
    "vessel": PartyKind.VESSEL,
    "aircraft": PartyKind.AIRCRAFT,
}

# The `ids` column mixes identifiers with remarks about the party; these identify nobody.
NOT_IDENTIFYING: Final = re.compile(
    r"gender|risk|information|directive|date|prohibited|determination|organization type|target type"
    r"|former vessel flag|aircraft model|aircraft operator|nationality|issuer name|executive order|sanctions"
    r"|listing|effective|phone|website",
    re.IGNORECASE,
)
COUNTRY_CODE: Final = re.compile(r"^[A-Z]{2}$")
LAST_COUNTRY: Final = re.compile(r"(?:^|,\s*)([A-Z]{2})$")


def read_entries(content: bytes, *, minimum: int = MINIMUM_ENTRIES) -> tuple[Entry, ...]:
    """Every party of a Consolidated Screening List, in the publisher's order.

    content: the published CSV, plain or gzip-compressed. Raises ListUnreadable when the file is empty, truncated,
    malformed, names an unknown list, gives two parties one id, or holds fewer than `minimum` parties. A party that is
    published twice with the same content is read once.
    """
    reader = csv.DictReader(io.StringIO(decoded(content), newline=""), strict=True)
    if missing := COLUMNS - frozenset(reader.fieldnames or ()):
        msg = f"columns missing: {', '.join(sorted(missing))}"
        raise ListUnreadable(msg)
    entries = distinct(_entries(reader))
    if len(entries) < minimum:
        msg = f"{len(entries)} parties, at least {minimum} expected"
        raise ListUnreadable(msg, Flaw.TRUNCATED if entries else Flaw.EMPTY)
    return entries


def _entries(reader: "csv.DictReader[str]") -> Iterable[Entry]:
    try:
        for row in reader:
            yield _entry(row, reader.line_num)
    except csv.Error as error:
        msg = f"line {reader.line_num}: {error}"
        raise ListUnreadable(msg) from error


def _entry(row: Mapping[str | None, str | None], line: int) -> Entry:
    if None in row or None in row.values():
        msg = f"line {line}: wrong number of columns"
        raise ListUnreadable(msg)
    fields = {str(key): " ".join((value or "").split()) for key, value in row.items()}
    if not fields["name"] or not fields["_id"]:
        msg = f"line {line}: a party without name or id"
        raise ListUnreadable(msg)
    code = _list_code(fields["source"], line)
    return Entry(
        entry_id=f"{code}-{fields['_id']}",
        list_code=code,
        name=fields["name"],
        # A moved link is no change of the party: officers' decisions about it must stay.
        content_hash=content_hash(
            {key: text for key, text in fields.items() if not key.endswith("_url")}
        ),
        aliases=_aliases(fields),
        kind=KINDS.get(fields["type"].lower(), PartyKind.UNKNOWN),
        birth_dates=_parts(fields["dates_of_birth"]),
        countries=_countries(fields),
        identifiers=_identifiers(fields),
        addresses=_parts(fields["addresses"]),
        programs=_parts(fields["programs"]),
        source_list=fields["source"],
        source_url=fields["source_information_url"] or fields["source_list_url"],
        remarks=fields["remarks"],
        legal_basis=fields["federal_register_notice"],
    )


def _aliases(fields: Mapping[str, str]) -> tuple[str, ...]:
    """The alternative names. The Entity List is prose: its last alias comes with the word "and" before it."""
    names = (part.removeprefix("and ") for part in _parts(fields["alt_names"]))
    return tuple(dict.fromkeys(name for name in names if name != fields["name"]))


def _list_code(source: str, line: int) -> str:
    for beginning, code in LIST_CODES.items():
        if source.startswith(beginning):
            return code
    msg = f"line {line}: unknown list {source[:80]!r}"
    raise ListUnreadable(msg)


def _parts(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(r";(?:\s|$)", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def _countries(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Countries of nationality, citizenship, flag, addresses and issued identifiers, in that order."""
    stated = [
        *_parts(fields["nationalities"]),
        *_parts(fields["citizenships"]),
        fields["vessel_flag"],
    ]
    places = [
        match[1] for part in _parts(fields["addresses"]) if (match := LAST_COUNTRY.search(part))
    ]
    issuers = [part.split(",")[0] for part in _parts(fields["ids"]) if "," in part]
    return tuple(
        dict.fromkeys(code for code in [*stated, *places, *issuers] if COUNTRY_CODE.match(code))
    )


def _identifiers(fields: Mapping[str, str]) -> tuple[Identifier, ...]:
    """Identifiers as (type, value). Published as "CC, value, type", "value, type", or with places and dates between."""
    found: list[Identifier] = []
    for part in _parts(fields["ids"]):
        pieces = [piece.strip() for piece in part.split(", ")]
        values = pieces[1:-1] if COUNTRY_CODE.match(pieces[0]) and len(pieces) > 2 else pieces[:-1]
        if values and values[0] and not NOT_IDENTIFYING.search(pieces[-1]):
            found.append((pieces[-1], values[0]))
    if fields["call_sign"]:
        found.append(("Call Sign", fields["call_sign"]))
    return tuple(dict.fromkeys(found))
