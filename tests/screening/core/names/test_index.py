"""The index of the lists."""

import gc

from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.index import ListIndex, listed_kind
from services.screening.core.names.normalisation import normalise


def test_the_garbage_collector_does_not_visit_the_objects_of_an_index() -> None:
    """With 200,000 names a collection took two seconds of the query that triggered it."""
    entries = [Entry(f"E-{number}", "T", f"Example Firm {number}", "") for number in range(50)]
    index = ListIndex.build(entries, "v")
    tracked = {id(each) for each in gc.get_objects()}
    assert not any(id(row) in tracked for row in index.rows)


def test_parties_with_one_name_share_a_row() -> None:
    entries = [
        Entry("X-1", "X", "BEKTAS, Halis", "1", kind=PartyKind.PERSON),
        Entry("X-2", "X", "Bektas Halis", "2", kind=PartyKind.ORGANISATION),
    ]

    (row,) = ListIndex.build(entries, "v").rows

    assert (row.key, row.sorted_words, row.joined) == (
        "bektas halis",
        "bektas halis",
        "bektashalis",
    )
    assert [name.entry for name in row.names] == [0, 1]
    assert not row.is_person


def test_candidates_have_similar_letters_words_or_trigrams() -> None:
    names = ["Halis Bektas", "Halys Bektash", "Bektas Trading Services", "Anna Smith"]
    index = ListIndex.build([Entry(name, "X", name, "1") for name in names], "v")

    found = index.candidates(normalise("Halis Bektas"), PartyKind.PERSON, 9)

    assert [index.rows[row].names[0].text for row in found][:2] == names[:2]
    assert 3 not in found


def test_a_restricted_index_weighs_words_as_the_whole_index() -> None:
    entries = [Entry(f"X-{number}", "X", f"Example Firm {number}", "1") for number in range(9)]
    index = ListIndex.build(entries, "v")

    small = index.restricted_to(entries[:1])

    assert len(small.rows) == 1
    assert small.word_weights == index.word_weights
    assert small.translations.weights == index.translations.weights


def test_a_party_of_unknown_kind_is_an_organisation_if_a_word_says_so() -> None:
    unknown = Entry("X-1", "X", "Alfa Trading", "1")

    assert listed_kind(unknown, ("alfa", "trading")) is PartyKind.ORGANISATION
    assert listed_kind(unknown, ("alfa", "co")) is PartyKind.UNKNOWN
