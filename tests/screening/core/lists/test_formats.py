"""Reading lists in every format: complete, or refused with its flaw."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from services.screening.core.lists.formats import delta, read
from services.screening.core.lists.parsed_list import Flaw, ListUnreadable, Part, bundled
from services.screening.core.lists.versions import ListFormat
from services.screening.core.model import Entry, PartyKind

# Three parties of OFAC's list as published in 2021; US government work.
SDN = (
    b'36,"AEROCARIBBEAN AIRLINES",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    b'306,"BANCO NACIONAL DE CUBA",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b"\"a.k.a. 'BNC'.\"\r\n"
    b'11474,"DURAN PORRAS, Gloria Amparo","individual","SDNT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b'"DOB 11 Feb 1968; alt. DOB 02 Nov 1968; Cedula No. 42895110 (Colombia)."\r\n\x1a'
)
ALT = b'36,12,"aka","AERO-CARIBBEAN",-0- \r\n306,220,"aka","NATIONAL BANK OF CUBA",-0- \r\n\x1a'
ADD = (
    b'36,25,-0- ,"Havana","Cuba",-0- \r\n'
    b'306,199,"Zweierstrasse 35","Zurich CH-8022","Switzerland",-0- \r\n\x1a'
)

# Nobody: made for this test in the schema that the United Nations publish.
UN = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-01-01T00:00:00Z">
 <INDIVIDUALS><INDIVIDUAL>
  <DATAID>1</DATAID><VERSIONNUM>1</VERSIONNUM><FIRST_NAME>EXAMPLE</FIRST_NAME>
  <SECOND_NAME>PERSON</SECOND_NAME>
  <UN_LIST_TYPE>Example</UN_LIST_TYPE><REFERENCE_NUMBER>EXi.001</REFERENCE_NUMBER>
  <NATIONALITY><VALUE>Iran (Islamic Republic of)</VALUE></NATIONALITY>
  <LAST_DAY_UPDATED><VALUE>2026-01-01</VALUE></LAST_DAY_UPDATED>
  <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY>
  <ALIAS_NAME>Example  Alias</ALIAS_NAME></INDIVIDUAL_ALIAS>
  <INDIVIDUAL_ADDRESS><COUNTRY /></INDIVIDUAL_ADDRESS>
  <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE>
  <YEAR>1961</YEAR></INDIVIDUAL_DATE_OF_BIRTH>
  <INDIVIDUAL_DATE_OF_BIRTH><FROM_YEAR>1958</FROM_YEAR><TO_YEAR>1962</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
  <INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT>
  <NUMBER>A0000001</NUMBER></INDIVIDUAL_DOCUMENT>
 </INDIVIDUAL></INDIVIDUALS>
 <ENTITIES><ENTITY>
  <DATAID>2</DATAID><FIRST_NAME>EXAMPLE TRADING ORGANISATION</FIRST_NAME>
  <UN_LIST_TYPE>Example</UN_LIST_TYPE>
  <REFERENCE_NUMBER>EXe.001</REFERENCE_NUMBER><NAME_ORIGINAL_SCRIPT>مثال</NAME_ORIGINAL_SCRIPT>
  <ENTITY_ADDRESS><CITY>Pyongyang</CITY>
  <COUNTRY>Democratic People's Republic of Korea</COUNTRY></ENTITY_ADDRESS>
 </ENTITY></ENTITIES>
</CONSOLIDATED_LIST>""".encode()
TARGETS = (
    b'"id","schema","name","aliases","birth_date","countries","addresses","identifiers",'
    b'"sanctions","dataset"\n'
    b'"ex-1","Company","Example Drone Works","Beispiel Drohnen;Example UAV","","ir;de",'
    b'"1 Example Street","INN 123456","EX","example"\n'
)
OFAC = bundled({Part.PRIMARY: SDN, Part.ALT: ALT, Part.ADD: ADD})


def ofac(primary: bytes = SDN, alt: bytes = ALT, add: bytes = ADD) -> tuple[Entry, ...]:
    files = {Part.PRIMARY: primary, Part.ALT: alt, Part.ADD: add}
    return read(ListFormat.OFAC_SDN_CSV, "US-SDN", bundled(files))


def flaw_of(kind: ListFormat, content: bytes) -> Flaw:
    with pytest.raises(ListUnreadable) as refused:
        read(kind, "EX-LIST", content)
    return refused.value.flaw


def test_an_ofac_party_has_what_its_three_files_and_its_remarks_say() -> None:
    airline, bank, person = ofac()

    assert (airline.entry_id, airline.list_code, airline.kind) == (
        "OFAC-36",
        "SDN",
        PartyKind.ORGANISATION,
    )
    assert (airline.aliases, airline.addresses, airline.countries) == (
        ("AERO-CARIBBEAN",),
        ("Havana, Cuba",),
        ("CU",),
    )
    assert bank.aliases == ("NATIONAL BANK OF CUBA", "BNC")
    assert bank.addresses == ("Zweierstrasse 35, Zurich CH-8022, Switzerland",)
    assert (person.kind, person.birth_dates) == (PartyKind.PERSON, ("1968-02-11", "1968-11-02"))
    assert person.identifiers == (("Cedula No.", "42895110"),)
    assert not {"-0-", "-0- "} & {
        text for each in (airline, bank, person) for text in (*each.names, each.remarks)
    }


def test_an_ofac_party_changes_when_an_alias_or_an_address_does() -> None:
    before, renamed, moved = (
        ofac(),
        ofac(alt=ALT.replace(b"NATIONAL", b"STATE")),
        ofac(add=ADD.replace(b"35", b"36")),
    )

    assert [entry.entry_id for entry in delta(before, renamed).changed] == ["OFAC-306"]
    assert [entry.entry_id for entry in delta(before, moved).changed] == ["OFAC-306"]


@pytest.mark.parametrize(
    ("part", "content", "flaw"),
    [
        ("primary", SDN.removesuffix(b"\x1a"), Flaw.TRUNCATED),
        ("primary", SDN[:60], Flaw.TRUNCATED),
        ("alt", ALT.removesuffix(b"\x1a"), Flaw.TRUNCATED),
        ("primary", b"\x1a", Flaw.EMPTY),
        ("primary", SDN.replace(b'"CUBA",', b"", 1), Flaw.MALFORMED),
        ("alt", ALT.replace(b"36,12", b"37,12"), Flaw.MALFORMED),
        ("primary", SDN.replace(b"306,", b"36,"), Flaw.MALFORMED),
    ],
    ids=[
        "no mark at the end",
        "cut in a line",
        "aliases cut",
        "empty",
        "a column short",
        "alias of nobody",
        "id twice",
    ],
)
def test_an_ofac_list_that_is_not_whole_is_refused(part: str, content: bytes, flaw: Flaw) -> None:
    with pytest.raises(ListUnreadable) as refused:
        ofac(**{part: content})

    assert refused.value.flaw is flaw


def test_an_ofac_archive_cut_short_is_refused() -> None:
    assert flaw_of(ListFormat.OFAC_SDN_CSV, OFAC[:700]) in {Flaw.TRUNCATED, Flaw.EMPTY}


def test_a_party_of_the_united_nations_has_what_its_elements_say() -> None:
    person, body = read(ListFormat.UN_XML, "UN-SC", UN)

    assert (person.entry_id, person.name, person.kind) == (
        "UN-1",
        "EXAMPLE PERSON",
        PartyKind.PERSON,
    )
    assert (person.aliases, person.countries) == (("Example Alias",), ("IR",))
    assert person.birth_dates == ("circa 1961", "1958 to 1962")
    assert person.identifiers == (("Passport", "A0000001"),)
    assert (body.aliases, body.countries, body.legal_basis) == (("مثال",), ("KP",), "EXe.001")
    assert read(ListFormat.UN_XML, "UN-SC", gzip.compress(UN)) == (person, body)


def test_a_date_of_housekeeping_is_no_change_of_the_party() -> None:
    touched = read(
        ListFormat.UN_XML, "UN-SC", UN.replace(b"<VALUE>2026-01-01", b"<VALUE>2026-02-02")
    )

    assert delta(read(ListFormat.UN_XML, "UN-SC", UN), touched).to_screen == ()


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", Flaw.EMPTY),
        (UN[: len(UN) // 2], Flaw.TRUNCATED),
        (UN.replace(b"CONSOLIDATED_LIST", b"SOMETHING"), Flaw.MALFORMED),
        (UN.replace(b"<DATAID>2", b"<DATAID>1"), Flaw.MALFORMED),
        (UN.replace(b"<DATAID>2</DATAID>", b""), Flaw.MALFORMED),
        (b"<CONSOLIDATED_LIST></CONSOLIDATED_LIST>", Flaw.EMPTY),
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + UN, Flaw.MALFORMED),
        (UN.replace(b"EXAMPLE TRADING", b"\xff\xfe"), Flaw.MALFORMED),
        (gzip.compress(UN)[:-20], Flaw.TRUNCATED),
    ],
    ids=[
        "empty",
        "cut",
        "another list",
        "id twice",
        "no id",
        "nobody",
        "document type",
        "not text",
        "gzip cut",
    ],
)
def test_a_list_of_the_united_nations_that_is_not_whole_is_refused(
    content: bytes, flaw: Flaw
) -> None:
    if content == UN:
        pytest.fail("the case changes nothing")
    assert flaw_of(ListFormat.UN_XML, content) is flaw


def test_a_party_of_a_simple_list_has_what_its_row_says() -> None:
    (party,) = read(ListFormat.TARGETS_SIMPLE_CSV, "EX-LIST", TARGETS)

    assert (party.entry_id, party.list_code, party.kind) == (
        "EX-LIST-ex-1",
        "EX-LIST",
        PartyKind.ORGANISATION,
    )
    assert (party.aliases, party.countries) == (("Beispiel Drohnen", "Example UAV"), ("IR", "DE"))
    assert (party.addresses, party.identifiers) == (
        ("1 Example Street",),
        (("Identifier", "INN 123456"),),
    )


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", Flaw.EMPTY),
        (TARGETS[:-10], Flaw.TRUNCATED),
        (TARGETS.splitlines(keepends=True)[0], Flaw.EMPTY),
        (TARGETS.replace(b'"schema",', b""), Flaw.MALFORMED),
        (TARGETS + b'"ex-2","Person"\n', Flaw.MALFORMED),
        (TARGETS + b'"","Person","","","","","","","",""\n', Flaw.MALFORMED),
        (TARGETS + TARGETS.splitlines(keepends=True)[1].replace(b"Works", b"Firm"), Flaw.MALFORMED),
    ],
    ids=["empty", "cut", "nobody", "a column missing", "a short row", "no name", "id twice"],
)
def test_a_simple_list_that_is_not_whole_is_refused(content: bytes, flaw: Flaw) -> None:
    assert flaw_of(ListFormat.TARGETS_SIMPLE_CSV, content) is flaw


def test_one_file_is_kept_as_it_is_and_three_are_kept_the_same_each_time() -> None:
    assert bundled({Part.PRIMARY: UN}) == UN
    assert bundled({Part.ADD: ADD, Part.ALT: ALT, Part.PRIMARY: SDN}) == OFAC


def test_a_delta_says_who_came_who_changed_and_who_is_gone() -> None:
    airline, bank, person = ofac()
    renamed = replace(bank, content_hash="another")

    changes = delta((airline, bank), (renamed, person))

    assert (changes.added, changes.changed, changes.removed) == (
        (person,),
        (renamed,),
        ("OFAC-36",),
    )
    assert changes.to_screen == (person, renamed)
