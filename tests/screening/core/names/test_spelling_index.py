"""All names with similar letters are found, however many there are."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from services.screening.core.names.normalisation import core_words, normalise
from services.screening.core.names.spelling_index import (
    MAX_NAMES,
    MIN_SIMILARITY,
    Spelling,
    SpellingIndex,
    letter_signature,
    letter_signatures,
    spelling_of,
)

WORDS = st.lists(st.text("abcdeilmnorst0", min_size=1, max_size=9), min_size=1, max_size=4)


def written(words: list[str]) -> Spelling:
    return Spelling(" ".join(words), " ".join(sorted(words)))


def is_similar(one: Spelling, other: Spelling) -> bool:
    return (
        max(fuzz.ratio(one.key, other.key), fuzz.ratio(one.sorted_words, other.sorted_words))
        >= MIN_SIMILARITY
    )


@given(st.lists(WORDS, max_size=12), WORDS, st.data())
def test_the_index_finds_what_an_exhaustive_comparison_finds(
    listed: list[list[str]], words: list[str], data: st.DataObject
) -> None:
    altered = "".join(data.draw(st.permutations(" ".join(words).split(" "))))
    dropped = [word[1:] or word for word in words]
    names = [written(each) for each in (*listed, words, words[::-1], dropped, [altered])]
    asked = written(words)
    expected = {row for row, name in enumerate(names) if is_similar(asked, name)}
    assert set(SpellingIndex.of(names).similar_to(asked)) == expected


def test_a_name_of_exactly_the_minimum_similarity_is_found() -> None:
    listed, asked = written(["malena", "juliana", "sa"]), written(["malena", "juliana", "mansilla"])
    assert fuzz.ratio(listed.key, asked.key) == MIN_SIMILARITY
    assert SpellingIndex.of([listed]).similar_to(asked) == [0]


def test_the_most_similar_come_first_and_the_least_similar_of_many_are_cut_off() -> None:
    crowd = [
        written(["aleksandra", "ivanovna", "petrova" + "xyz"[at % 3] * (at % 2)])
        for at in range(MAX_NAMES + 50)
    ]
    found = SpellingIndex.of(crowd).similar_to(written(["aleksandra", "ivanovna", "petrova"]))
    assert len(found) == MAX_NAMES
    assert all(row % 2 == 0 for row in found[: MAX_NAMES // 2])


def test_a_name_is_found_by_its_words_with_and_without_the_legal_form() -> None:
    name = normalise("Harmonia Maritime Trading Company Limited")
    core = core_words(name.words, is_person=False)
    index = SpellingIndex.of([spelling_of(name, core)])
    assert index.similar_to(written(["harmonia", "maritime", "trading"])) == [0]
    assert index.similar_to(
        written(["harmoniya", "maritime", "trading", "company", "limited"])
    ) == [0]


def test_nothing_is_similar_in_an_empty_index_or_to_an_empty_name() -> None:
    assert SpellingIndex.of([]).similar_to(written(["anna"])) == []
    assert SpellingIndex.of([written(["anna"])]).similar_to(Spelling("", "")) == []


def test_signatures_differ_in_no_more_bits_than_the_letters_differ() -> None:
    assert letter_signature("anna") ^ letter_signature("anna b") == letter_signature("b")
    assert (letter_signature("aaaa") ^ letter_signature("a")).bit_count() <= 3


@given(st.lists(st.text("abcdinz 07", max_size=30), max_size=9))
def test_the_signatures_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    assert letter_signatures(texts).tolist() == [letter_signature(text) for text in texts]


@given(st.lists(st.lists(WORDS, max_size=6), max_size=6), WORDS)
def test_names_that_are_added_later_are_found_as_if_built_at_once(
    parts: list[list[list[str]]], words: list[str]
) -> None:
    names = [written(each) for part in parts for each in (*part, words)]
    growing = SpellingIndex([name.key for name in names], [name.sorted_words for name in names])
    row = 0
    for part in parts:
        for each in (*part, words):
            growing.add(written(each), row)
            row += 1
        growing.commit()

    assert growing.similar_to(written(words)) == SpellingIndex.of(names).similar_to(written(words))
