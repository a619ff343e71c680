"""Names that are spelled nearly alike are found, all of them, however many there are."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from services.screening.core.names.normalisation import fold, name_words
from services.screening.core.names.spelling import (
    MOST,
    NEAR,
    Spelled,
    Spellings,
    all_letters_of,
    letters_of,
    spelled,
)

WORDS = st.lists(st.text("abcdeilmnorst0", min_size=1, max_size=9), min_size=1, max_size=4)


def written(words: list[str]) -> Spelled:
    return Spelled(" ".join(words), " ".join(sorted(words)))


def near(one: Spelled, other: Spelled) -> bool:
    return max(fuzz.ratio(one.key, other.key), fuzz.ratio(one.ordered, other.ordered)) >= NEAR


@given(st.lists(WORDS, max_size=12), WORDS, st.data())
def test_what_an_exhaustive_comparison_of_letters_finds_is_found(
    listed: list[list[str]], words: list[str], data: st.DataObject
) -> None:
    altered = "".join(data.draw(st.permutations(" ".join(words).split(" "))))
    dropped = [word[1:] or word for word in words]
    names = [written(each) for each in (*listed, words, words[::-1], dropped, [altered])]
    asked = written(words)
    expected = {row for row, name in enumerate(names) if near(asked, name)}
    assert set(Spellings.of(names).near(asked)) == expected


def test_a_name_at_the_very_edge_is_found() -> None:
    listed, asked = written(["malena", "juliana", "sa"]), written(["malena", "juliana", "mansilla"])
    assert fuzz.ratio(listed.key, asked.key) == NEAR
    assert Spellings.of([listed]).near(asked) == [0]


def test_the_nearest_come_first_and_a_crowd_is_cut_off_at_its_far_end() -> None:
    crowd = [
        written(["aleksandra", "ivanovna", "petrova" + "xyz"[at % 3] * (at % 2)])
        for at in range(MOST + 50)
    ]
    found = Spellings.of(crowd).near(written(["aleksandra", "ivanovna", "petrova"]))
    assert len(found) == MOST
    assert all(row % 2 == 0 for row in found[: MOST // 2])


def test_a_name_is_found_by_its_words_with_and_without_the_legal_form() -> None:
    name = fold("Harmonia Maritime Trading Company Limited")
    core = name_words(name.words, is_person=False)
    index = Spellings.of([spelled(name, core)])
    assert index.near(written(["harmonia", "maritime", "trading"])) == [0]
    assert index.near(written(["harmoniya", "maritime", "trading", "company", "limited"])) == [0]


def test_nothing_is_near_in_an_empty_list_or_to_an_empty_name() -> None:
    assert Spellings.of([]).near(written(["anna"])) == []
    assert Spellings.of([written(["anna"])]).near(Spelled("", "")) == []


def test_letters_differ_in_no_more_bits_than_the_names_differ_in_letters() -> None:
    assert letters_of("anna") ^ letters_of("anna b") == letters_of("b")
    assert (letters_of("aaaa") ^ letters_of("a")).bit_count() <= 3


@given(st.lists(st.text("abcdinz 07", max_size=30), max_size=9))
def test_the_letters_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    assert all_letters_of(texts).tolist() == [letters_of(text) for text in texts]


@given(st.lists(st.lists(WORDS, max_size=6), max_size=6), WORDS)
def test_names_that_are_added_bit_by_bit_are_found_as_if_they_had_been_there(
    parts: list[list[list[str]]], words: list[str]
) -> None:
    names = [written(each) for part in parts for each in (*part, words)]
    growing = Spellings([name.key for name in names], [name.ordered for name in names])
    row = 0
    for part in parts:
        for each in (*part, words):
            growing.add(written(each), row)
            row += 1
        growing.settle()

    assert growing.near(written(words)) == Spellings.of(names).near(written(words))
