"""Reads the US Consolidated Screening List, published as CSV."""

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
    "_id source entity_number type programs name addresses federal_register_notice"
    " license_requirement call_sign vessel_flag remarks source_list_url alt_names citizenships"
    " dates_of_birth nationalities source_information_url ids".split()
)
"""Required columns. If one is missing, the file is refused; further columns are ignored."""

MINIMUM_ENTRIES: Final = 1_000
"""A file with fewer parties is refused: the list has had over 10,000 for years."""

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
"""Codes of lists by the beginning of the publisher's `source` column."""

KINDS: Final[Mapping[str, PartyKind]] = {
    "individual": PartyKind.PERSON,
    "entity": PartyKind.ORGANISATION,
    "vessel": PartyKind.VESSEL,
    "aircraft": PartyKind.AIRCRAFT,
}

# The `ids` column also has remarks about the party. These types identify nobody.
NOT_IDENTIFYING: Final = re.compile(
    r"gender|risk|information|directive|date|prohibited|determination|organization type|target type"
    r"|former vessel flag|aircraft model|aircraft operator|nationality|issuer name"
    r"|executive order|sanctions"
    r"|listing|effective|phone|website",
    re.IGNORECASE,
)
COUNTRY_CODE: Final = re.compile(r"^[A-Z]{2}$")
LAST_COUNTRY: Final = re.compile(r"(?:^|,\s*)([A-Z]{2})$")


def read_entries(content: bytes, *, minimum: int = MINIMUM_ENTRIES) -> tuple[Entry, ...]:
    """Returns all parties of a Consolidated Screening List, in the publisher's order.

    content: the published CSV, plain or gzip-compressed. A party that is published twice with the
    same content is returned once. Raises ListUnreadable if the file is empty, truncated or
    malformed, names an unknown list, has two parties with one id, or fewer than `minimum` parties.
    """
    reader = csv.DictReader(io.StringIO(decoded(content), newline=""), strict=True)
    if missing := COLUMNS - frozenset(reader.fieldnames or ()):
        msg = f"columns missing: {', '.join(sorted(missing))}"
        raise ListUnreadable(msg)
    entries = distinct(_entries(reader))
    if len(entries) < minimum:
        msg = f"the list has {len(entries)} parties; at least {minimum} are expected"
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
        msg = f"line {line}: a party has no name or no id"
        raise ListUnreadable(msg)
    code = _list_code(fields["source"], line)
    return Entry(
        entry_id=f"{code}-{fields['_id']}",
        list_code=code,
        name=fields["name"],
        # A changed link is no change of the party: verdicts of officers on it must stay.
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
    """Returns the aliases.

    The Entity List is prose: the word "and" stands before its last alias.
    """
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
    """Returns countries of nationality, citizenship, flag, addresses and issuers of identifiers."""
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
    """Returns identifiers as (type, value).

    They are published as "CC, value, type" or "value, type", some with places and dates in between.
    """
    found: list[Identifier] = []
    for part in _parts(fields["ids"]):
        pieces = [piece.strip() for piece in part.split(", ")]
        values = pieces[1:-1] if COUNTRY_CODE.match(pieces[0]) and len(pieces) > 2 else pieces[:-1]
        if values and values[0] and not NOT_IDENTIFYING.search(pieces[-1]):
            found.append((pieces[-1], values[0]))
    if fields["call_sign"]:
        found.append(("Call Sign", fields["call_sign"]))
    return tuple(dict.fromkeys(found))
