"""Reading the Consolidated Screening List: complete, or refused."""

import gzip

import pytest

from services.screening.core.lists.csl import read_entries
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.model import Entry, PartyKind


def rows(published: bytes) -> list[bytes]:
    return gzip.decompress(published).splitlines(keepends=True)


def by_id(entries: tuple[Entry, ...], entry_id: str) -> Entry:
    return next(entry for entry in entries if entry.entry_id == entry_id)


def test_every_party_of_the_shipped_list_is_read(entries: tuple[Entry, ...]) -> None:
    # 14,160 rows, one of which the publisher repeats.
    assert len(entries) == 14_159
    assert len({entry.entry_id for entry in entries}) == 14_159
    assert sum(entry.list_code == "EL" for entry in entries) == 2_001
    assert sum(len(entry.aliases) for entry in entries) > 19_000


def test_a_party_keeps_its_published_facts(entries: tuple[Entry, ...]) -> None:
    party = by_id(entries, "SSI-20665")

    assert party.name == "LADOZHSKI ELEVATOR, OAO"
    assert "OAO 'LADOZHSKI ELEVATOR'" in party.aliases
    assert party.kind is PartyKind.ORGANISATION
    assert party.countries == ("RU",)
    assert ("Tax ID No.", "2356007563") in party.identifiers
    assert party.programs == ("UKRAINE-EO13662",)


def test_remarks_in_the_identifier_column_identify_nobody(entries: tuple[Entry, ...]) -> None:
    types = {kind for entry in entries for kind, _ in entry.identifiers}

    assert not {
        one
        for one in types
        if "risk" in one.lower() or "gender" in one.lower() or "Directive" in one
    }


def test_the_content_hash_changes_with_a_fact_and_not_with_a_link(published: bytes) -> None:
    text = gzip.decompress(published)
    before = read_entries(text)
    moved_link = read_entries(text.replace(b"http://bit.ly/1L47xrV", b"https://example.org/el"))
    renamed = read_entries(text.replace(b"TGO General Trading LLC", b"TGO General Traders LLC"))

    assert [entry.content_hash for entry in before] == [entry.content_hash for entry in moved_link]
    assert (
        sum(old.content_hash != new.content_hash for old, new in zip(before, renamed, strict=True))
        == 1
    )


def test_a_compressed_file_cut_short_is_refused(published: bytes) -> None:
    with pytest.raises(ListUnreadable):
        read_entries(published[: len(published) // 2])


def test_a_plain_file_cut_in_a_line_is_refused(published: bytes) -> None:
    with pytest.raises(ListUnreadable):
        read_entries(gzip.decompress(published)[:3_000_000])


def test_a_list_with_too_few_parties_is_refused(published: bytes) -> None:
    with pytest.raises(ListUnreadable, match="at least"):
        read_entries(b"".join(rows(published)[:500]))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe\x00", b"name,source\nA,B\n", b"<html>Service unavailable</html>\n"],
)
def test_a_file_that_is_no_list_is_refused(content: bytes) -> None:
    with pytest.raises(ListUnreadable):
        read_entries(content)


def test_a_row_with_missing_columns_is_refused(published: bytes) -> None:
    lines = rows(published)
    lines[700] = b"only,three,columns\n"

    with pytest.raises(ListUnreadable):
        read_entries(b"".join(lines))


def test_an_unknown_list_is_refused(published: bytes) -> None:
    text = gzip.decompress(published).replace(b"Unverified List (UVL)", b"Unheard List (UHL)")

    with pytest.raises(ListUnreadable, match="unknown list"):
        read_entries(text)


def test_one_id_for_two_parties_is_refused(published: bytes) -> None:
    text = gzip.decompress(published).replace(b"b34c61986c5ee9b8aa4e3ad5fe326571fb37839b", b"15979")
    doubled = text.replace(b"Denied Persons List (DPL)", b"Specially Designated Nationals (SDN)")

    with pytest.raises(ListUnreadable, match="two different parties"):
        read_entries(doubled)
