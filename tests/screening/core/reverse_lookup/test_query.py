"""Queries for monitored parties."""

from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.index import ListIndex
from services.screening.core.reverse_lookup.query import IndexPart, ReverseQuery, reverse_queries


def queries(*entries: Entry) -> tuple[ReverseQuery, ...]:
    index = ListIndex.build(entries, "v")
    return reverse_queries(index.rows, index.entries, index.translations.names)


PERSON = Entry(
    "X-1", "X", "BEKTAS, Halis", "1", kind=PartyKind.PERSON, identifiers=(("Passport", "X0906223"),)
)
FIRM = Entry("X-2", "X", "Alfa Trading", "2", kind=PartyKind.ORGANISATION)


def test_every_name_and_every_identifier_has_a_query() -> None:
    by_name, by_identifier = queries(PERSON)

    assert (by_name.key, by_name.entry_ids, by_name.rows) == ("bektas halis", {"X-1"}, (0,))
    assert (by_identifier.identifier, by_identifier.rows) == ("X0906223", ())


def test_only_names_of_organisations_are_searched_by_translation() -> None:
    names = (IndexPart.LATIN_NAMES, IndexPart.NON_LATIN_NAMES)

    assert [query.parts for query in queries(PERSON)] == [names, (IndexPart.IDENTIFIERS,)]
    assert queries(FIRM)[0].parts == (*names, IndexPart.TRANSLATIONS)
