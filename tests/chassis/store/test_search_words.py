"""Words of names, as they are stored and as they are searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.store.search_words import MAX_WORDS, search_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Universit\u00e9 de Lom\u00e9", ["de", "lome", "universite"]),
        ("UNIVERSITE\u0301", ["universite"]),
        ("Stra\u00dfe 5-7, B.V.", ["5", "7", "b", "strasse", "v"]),
        ("\uff21\uff22\uff23 \u6771\u4eac", ["abc", "\u6771\u4eac"]),
        ("\U0001d400\U0001d401 \u2121", ["ab", "tel"]),
        ("Example example EXAMPLE", ["example"]),
        (" -- ", []),
        ("", []),
    ],
)
def test_words_have_no_case_no_accents_and_no_punctuation(text: str, words: list[str]) -> None:
    assert search_words([text]) == words


@given(st.text(max_size=80))
def test_each_part_of_a_name_finds_the_name(name: str) -> None:
    stored = set(search_words([name]))

    assert all(set(search_words([part])) <= stored for part in name.split())


@given(st.text(max_size=80))
def test_case_does_not_matter(name: str) -> None:
    assert search_words([name.casefold()]) == search_words([name])


def test_long_texts_have_a_bounded_number_of_short_words() -> None:
    words = search_words([" ".join(f"{number}{'x' * 100}" for number in range(MAX_WORDS + 50))])

    assert len(words) == MAX_WORDS
    assert {len(word) for word in words} == {60}
