"""Names of parties, by similarity."""

from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise
from services.screening.core.reverse_lookup.party_name_index import (
    MIN_MARGIN,
    MIN_SIMILARITY,
    PartyNameIndex,
)
from services.screening.core.reverse_lookup.query import ReverseQuery, reverse_queries


def names(*texts: str) -> PartyNameIndex:
    index = PartyNameIndex(MIN_SIMILARITY)
    for number, text in enumerate(texts):
        index.add(normalise(text), PartyKind.PERSON, number)
    index.commit()
    return index


def query_of(text: str) -> ReverseQuery:
    index = ListIndex.build([Entry("X-1", "X", text, "1", kind=PartyKind.PERSON)], "v")
    return reverse_queries(index.rows, index.entries, ())[0]


def test_the_most_similar_name_comes_first_with_the_highest_margin() -> None:
    index = names("Karim Bergholz", "Karim Bergholzer", "Anna Smith")

    rows, last = index.most_similar(query_of("Karim Bergholzer"), 0, 9)

    assert [list(index.parties_with(row)) for row, _ in rows] == [[1], [0]]
    assert rows[0][1] > rows[1][1] >= MIN_MARGIN
    assert last is None


def test_a_full_page_has_the_margin_of_its_last_name() -> None:
    index = names("Karim Bergholz", "Karim Bergholzer")

    rows, last = index.most_similar(query_of("Karim Bergholzer"), 0, 1)

    assert last == rows[0][1]
    assert index.most_similar(query_of("Karim Bergholzer"), 2, 4) == ([], None)


def test_all_parties_with_a_name_share_its_row() -> None:
    index = names("Karim Bergholzer", "Anna Smith", "karim bergholzer")

    ((row, _),) = index.most_similar(query_of("Karim Bergholzer"), 0, 9)[0]

    assert list(index.parties_with(row)) == [2, 0]
