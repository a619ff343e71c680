"""Reads OFAC's lists: CSV files of parties, alternative names and addresses, without a header line.

The columns are those of OFAC's data specification (dat_spec.txt).
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from services.screening.core.lists.countries import country_codes
from services.screening.core.lists.parsed_list import (
    Flaw,
    ListUnreadable,
    Part,
    content_hash,
    decoded,
    distinct,
    unbundled,
)
from services.screening.core.model import Entry, Identifier, PartyKind

LIST_CODE: Final = "SDN"
END_OF_FILE: Final = "\x1a"
"""Each file ends with it. A file that was cut at the end of a line does not."""

COLUMNS: Final[Mapping[Part, int]] = {Part.PRIMARY: 12, Part.ALT: 5, Part.ADD: 6}
KINDS: Final[Mapping[str, PartyKind]] = {
    "individual": PartyKind.PERSON,
    "vessel": PartyKind.VESSEL,
    "aircraft": PartyKind.AIRCRAFT,
    # A party without a type is an organisation; OFAC names the types of all others.
    "": PartyKind.ORGANISATION,
}
BIRTH: Final = re.compile(r"^(?:alt\. )?DOB (?P<date>.+)$")
ALIAS: Final = re.compile(r"^(?:a|f|n)\.k\.a\.,? [\"'](?P<name>.+)[\"']$")
COUNTRY: Final = re.compile(r"^(?:alt\. )?(?:nationality|citizen) (?P<name>.+)$")
IDENTIFIER: Final = re.compile(
    r"^(?:alt\. )?(?P<type>Passport|SSN|SWIFT/BIC|MMSI|Cedula No\.|RFC|C\.U\.R\.P\.|D\.N\.I\."
    r"|NIT #|RUC #|RIF #"
    r"|C\.R\. No\.|Vessel Registration Identification|Digital Currency Address - \w+"
    r"|Unified Social Credit Code \(USCC\)"
    r"|[A-Z][\w .'/-]*?(?:No\.|Number|ID|Code))\s+(?P<value>(?:IMO |[A-Z]{2} )?[^\s(;]*\d[^\s(;]*)"
)
DAY: Final = "%d %b %Y"


def read_entries(
    content: bytes, *, needed: Collection[Part] = frozenset(Part)
) -> tuple[Entry, ...]:
    """Returns all parties, in the publisher's order.

    content: the files as `archived` bundles them, of which `needed` must be there. Raises
    ListUnreadable if a file is missing, empty, truncated or not in its columns, if an alternative
    name or address belongs to no party, or if two parties have one id.
    """
    files = unbundled(content)
    if missing := [part.value for part in COLUMNS if part in needed and part not in files]:
        raise ListUnreadable(f"files missing: {', '.join(missing)}", Flaw.EMPTY)
    parties = list(_rows(files[Part.PRIMARY], Part.PRIMARY))
    known = {party[0] for party in parties}
    aliases, addresses = (
        _by_party(_rows(files[part], part), part, known) if part in files else {}
        for part in (Part.ALT, Part.ADD)
    )
    return distinct(
        _entry(party, aliases.get(party[0], []), addresses.get(party[0], [])) for party in parties
    )


def _rows(content: bytes, part: Part) -> Iterator[Sequence[str]]:
    text = decoded(content)
    if not text.rstrip("\r\n").endswith(END_OF_FILE):
        raise ListUnreadable(f"{part}: the end-of-file mark (0x1A) is missing", Flaw.TRUNCATED)
    reader = csv.reader(io.StringIO(text.rstrip("\r\n" + END_OF_FILE), newline=""), strict=True)
    try:
        for row in reader:
            if len(row) != COLUMNS[part] or not row[0].isdigit():
                raise ListUnreadable(
                    f"{part}, line {reader.line_num}: expected {COLUMNS[part]} columns"
                    " that begin with a number"
                )
            yield [_value(each) for each in row]
    except csv.Error as error:
        raise ListUnreadable(f"{part}, line {reader.line_num}: {error}") from error


def _value(text: str) -> str:
    plain = " ".join(text.split())
    return "" if plain == "-0-" else plain


def _by_party(
    rows: Iterable[Sequence[str]], part: Part, known: set[str]
) -> Mapping[str, list[Sequence[str]]]:
    found: dict[str, list[Sequence[str]]] = defaultdict(list)
    for row in rows:
        if row[0] not in known:
            raise ListUnreadable(
                f"{part}: a row belongs to party {row[0]}, which is not in the file of parties"
            )
        found[row[0]].append(row)
    return found


def _entry(
    party: Sequence[str], aliases: Sequence[Sequence[str]], addresses: Sequence[Sequence[str]]
) -> Entry:
    number, name, kind, programs, _title, call_sign, *_tonnage, flag, _owner, remarks = party
    if not name:
        raise ListUnreadable(f"party {number} has no name")
    notes = [each.strip().removesuffix(".") for each in remarks.split(";")]
    places = tuple(row[4] for row in addresses)
    nationalities = tuple(match["name"] for each in notes if (match := COUNTRY.match(each)))
    names = [
        *(row[3] for row in aliases),
        *(match["name"] for each in notes if (match := ALIAS.match(each))),
    ]
    return Entry(
        entry_id=f"OFAC-{number}",
        list_code=LIST_CODE,
        name=name,
        content_hash=content_hash(
            {"party": _joined([party]), "alt": _joined(aliases), "add": _joined(addresses)}
        ),
        aliases=tuple(dict.fromkeys(each for each in names if each and each != name)),
        kind=KINDS.get(kind.lower(), PartyKind.UNKNOWN),
        birth_dates=tuple(_date(match["date"]) for each in notes if (match := BIRTH.match(each))),
        countries=country_codes((*nationalities, flag, *places)),
        identifiers=tuple(_identifiers(notes, call_sign)),
        addresses=tuple(", ".join(filter(None, row[2:5])) for row in addresses if any(row[2:5])),
        programs=tuple(re.split(r"\]\s*\[", programs.strip("[]"))) if programs else (),
        source_list="Specially Designated Nationals (OFAC)",
        source_url=f"https://sanctionssearch.ofac.treas.gov/Details.aspx?id={number}",
        remarks=remarks,
    )


def _joined(rows: Sequence[Sequence[str]]) -> str:
    return "\x1d".join("\x1c".join(row) for row in rows)


def _identifiers(notes: Iterable[str], call_sign: str) -> Iterator[Identifier]:
    for each in notes:
        if match := IDENTIFIER.match(each):
            yield match["type"], match["value"]
    if call_sign:
        yield "Call Sign", call_sign


def _date(text: str) -> str:
    """Returns a full date as ISO 8601, and a vague one in the publisher's wording."""
    try:
        return datetime.strptime(text, DAY).replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        return text
