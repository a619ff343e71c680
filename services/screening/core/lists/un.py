"""Reads the consolidated list of the UN Security Council, published as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final

from services.screening.core.lists.countries import country_codes
from services.screening.core.lists.parsed_list import (
    Flaw,
    ListUnreadable,
    content_hash,
    distinct,
    unpacked,
)
from services.screening.core.model import Entry, Identifier, PartyKind

LIST_CODE: Final = "UN"
ROOT: Final = "CONSOLIDATED_LIST"
NAMES: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
KINDS: Final = {"INDIVIDUAL": PartyKind.PERSON, "ENTITY": PartyKind.ORGANISATION}
ADDRESS: Final = ("STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY")
# Elements about the publication. A change of them is no change of the party.
HOUSEKEEPING: Final = frozenset({"VERSIONNUM", "LAST_DAY_UPDATED", "SORT_KEY", "SORT_KEY_LAST_MOD"})


def read_entries(content: bytes) -> tuple[Entry, ...]:
    """Returns all persons and entities, in the publisher's order.

    content: the published XML, plain or gzip-compressed. Raises ListUnreadable if the file is
    empty, truncated or no such list, or if two parties have one id. A document type is refused:
    the list has none, and entities declared in one could make a small file fill the memory.
    """
    text = unpacked(content)
    if not text.strip():
        raise ListUnreadable("the file is empty", Flaw.EMPTY)
    if "<!DOCTYPE" in text:
        raise ListUnreadable("the file has a document type")
    try:
        # The text is decoded already, so a declaration in it cannot choose another encoding.
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as error:
        is_cut = f"</{ROOT}>" not in text and f"<{ROOT}" in text
        raise ListUnreadable(
            f"not well-formed: {error}", Flaw.TRUNCATED if is_cut else Flaw.MALFORMED
        ) from error
    if root.tag != ROOT:
        raise ListUnreadable(f"the root element is {root.tag[:80]}, not {ROOT}")
    entries = distinct(_entry(party) for tag in KINDS for party in root.iter(tag))
    if not entries:
        raise ListUnreadable("the list has no parties", Flaw.EMPTY)
    return entries


def _entry(party: ET.Element) -> Entry:
    number, kind = _text(party, "DATAID"), party.tag
    name = " ".join(filter(None, (_text(party, tag) for tag in NAMES)))
    if not number or not name:
        raise ListUnreadable("a party has no name or no id")
    others = [_text(party, "NAME_ORIGINAL_SCRIPT"), *_texts(party, f"{kind}_ALIAS/ALIAS_NAME")]
    countries = (*_texts(party, "NATIONALITY/VALUE"), *_texts(party, f"{kind}_ADDRESS/COUNTRY"))
    return Entry(
        entry_id=f"UN-{number}",
        list_code=LIST_CODE,
        name=name,
        content_hash=content_hash({"party": _published(party)}),
        aliases=tuple(dict.fromkeys(each for each in others if each and each != name)),
        kind=KINDS[kind],
        birth_dates=tuple(filter(None, map(_birth, party.iter("INDIVIDUAL_DATE_OF_BIRTH")))),
        countries=country_codes(countries),
        identifiers=tuple(_documents(party)),
        addresses=tuple(filter(None, map(_address, party.iter(f"{kind}_ADDRESS")))),
        programs=tuple(filter(None, (_text(party, "UN_LIST_TYPE"),))),
        source_list="United Nations Security Council Consolidated List",
        source_url="https://main.un.org/securitycouncil/en/content/un-sc-consolidated-list",
        remarks=_text(party, "COMMENTS1"),
        legal_basis=_text(party, "REFERENCE_NUMBER"),
    )


def _text(element: ET.Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _texts(element: ET.Element, path: str) -> list[str]:
    return [text for each in element.findall(path) if (text := " ".join((each.text or "").split()))]


def _birth(element: ET.Element) -> str:
    """Returns a date, a year or a range of years; an approximate one begins with "circa"."""
    first, last = _text(element, "FROM_YEAR"), _text(element, "TO_YEAR")
    date = (
        _text(element, "DATE")[:10]
        or _text(element, "YEAR")
        or (f"{first} to {last}" if first and last else first)
    )
    is_approximate = _text(element, "TYPE_OF_DATE") == "APPROXIMATELY"
    return f"circa {date}" if date and is_approximate else date


def _documents(party: ET.Element) -> Iterator[Identifier]:
    for document in party.iter("INDIVIDUAL_DOCUMENT"):
        number = _text(document, "NUMBER")
        if number:
            yield _text(document, "TYPE_OF_DOCUMENT") or "Document", number


def _address(element: ET.Element) -> str:
    return ", ".join(filter(None, (_text(element, tag) for tag in ADDRESS)))


def _published(element: ET.Element) -> str:
    """Returns the published content of a party in order, without layout and publication dates."""
    text = " ".join((element.text or "").split())
    inner = "".join(_published(each) for each in element if each.tag not in HOUSEKEEPING)
    return f"<{element.tag}>{text}{inner}</>"
