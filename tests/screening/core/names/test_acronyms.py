"""Acronyms and blends of names of several words."""

import pytest

from services.screening.core.names.acronyms import acronyms, acronyms_in_blend, is_acronym, is_blend


def test_a_name_has_acronyms_with_and_without_function_words_and_legal_forms() -> None:
    words = ["zimbabwe", "iron", "and", "steel", "company"]

    assert acronyms(words) == {"zis", "zisc", "ziasc"}


def test_a_name_of_two_words_has_no_acronym() -> None:
    assert acronyms(["amin", "bank"]) == frozenset()


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("etim", "eastern turkistan islamic movement"),
        ("chvk", "chastnaya voennaya kompaniya"),
        ("zis", "zimbabwe iron and steel company"),
    ],
)
def test_an_acronym_has_the_first_letters_in_order(word: str, words: str) -> None:
    assert is_acronym(word, words.split())


@pytest.mark.parametrize("word", ["tiem", "eti", "etima"])
def test_other_letters_are_no_acronym(word: str) -> None:
    assert not is_acronym(word, ["eastern", "turkistan", "islamic", "movement"])


def test_a_blend_has_the_beginnings_of_three_or_more_words() -> None:
    words = ["zimbabwe", "iron", "and", "steel", "company"]

    assert is_blend("zisco", words)
    assert not is_blend("ziron", words)
    assert not is_blend("aminbank", ["amin", "bank"])


def test_a_blend_contains_the_acronym_of_its_name() -> None:
    assert "zis" in set(acronyms_in_blend("zisco"))
    assert list(acronyms_in_blend("zis")) == []
