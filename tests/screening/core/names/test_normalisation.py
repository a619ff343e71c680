"""Normalised names in every script."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening.core.model import Flag
from services.screening.core.names.normalisation import (
    core_words,
    normalise,
    other_pronunciation,
    phonetic_skeleton,
    trigrams,
    without_legal_forms,
)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_normalising_a_key_changes_nothing(text: str) -> None:
    key = normalise(text).key

    assert normalise(key).key == key


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_key_has_only_latin_letters_digits_and_single_spaces(text: str) -> None:
    key = normalise(text).key

    assert all(char.isascii() and (char.isalnum() or char == " ") for char in key)
    assert key == " ".join(key.split())


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("O'Brien-Müller", "obrien muller"),
        ("L.L.C.", "llc"),
        ("AT&T", "at and t"),
        ("Владимир Хрущёв", "vladimir khrushchev"),
        ("习近平", "xi jinping"),
        ("华为技术有限公司", "huawei technology co ltd"),
        ("ناصر القحطاني", "nasr al qhtany"),
        ("Straße 7", "strasse 7"),
        ("ＦＵＬＬ　ＷＩＤＴＨ", "full width"),  # noqa: RUF001  the full-width letters are the case
    ],
)
def test_scripts_are_written_in_latin_letters(written: str, key: str) -> None:
    assert normalise(written).key == key


def test_letters_of_another_alphabet_that_imitate_latin_ones_are_replaced_and_flagged() -> None:
    name = normalise("Huаwei")  # noqa: RUF001  the second letter is Cyrillic

    assert name.key == "huawei"
    assert name.flags == (Flag.MIXED_SCRIPT,)


def test_invisible_characters_are_removed_and_flagged() -> None:
    name = normalise("Hua\u200bwei\u202e")

    assert name.key == "huawei"
    assert name.flags == (Flag.INVISIBLE_CHARACTERS,)


def test_an_ordinary_name_of_two_scripts_is_not_flagged() -> None:
    assert normalise("Huawei (华为) Россия").flags == ()


@pytest.mark.parametrize(
    ("left", "right"),
    [("yusuf", "yousef"), ("mohammed", "muhamad"), ("qasim", "kassem"), ("dmitriy", "dmitry")],
)
def test_spellings_of_one_sound_share_a_skeleton(left: str, right: str) -> None:
    assert phonetic_skeleton(left) == phonetic_skeleton(right)


@pytest.mark.parametrize(
    "written",
    [
        "Alfa Gesellschaft mit beschränkter Haftung",
        "Alfa Société à responsabilité limitée",
        "Alfa Società per azioni",
        "Alfa Sp. z o.o.",
        "Alfa Kabushiki Kaisha",
        "OOO Alfa",
    ],
)
def test_a_legal_form_is_removed_whether_it_is_written_out_or_short(
    written: str,
) -> None:
    assert without_legal_forms(normalise(written).words) == ("alfa",)


def test_a_number_beside_a_legal_form_is_kept() -> None:
    assert without_legal_forms(normalise("Alfa II Inc.").words) == ("alfa", "ii")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Abdelkader Nurullah", ("abd", "kader", "nur", "allah")),
        ("Noureddine", ("nour", "din")),
        ("Abdullah", ("abd", "allah")),
    ],
)
def test_arabic_compounds_are_split(name: str, words: tuple[str, ...]) -> None:
    assert core_words(normalise(name).words, is_person=True) == words


def test_legal_forms_and_spaced_letters_are_removed_from_names_of_organisations_only() -> None:
    words = ("n", "p", "c", "alfa", "sal")

    assert core_words(words, is_person=False) == ("npc", "alfa")
    assert core_words(words, is_person=True) == words


def test_a_name_of_legal_forms_only_keeps_them() -> None:
    assert core_words(("co", "ltd"), is_person=False) == ("co", "ltd")


@pytest.mark.parametrize(
    ("word", "other"), [("dhakir", "zakir"), ("thana", "sana"), ("ali", "ali")]
)
def test_some_letters_have_another_pronunciation(word: str, other: str) -> None:
    assert other_pronunciation(word) == other


def test_trigrams_mark_start_and_end() -> None:
    assert trigrams("ali") == {"^al", "ali", "li$"}
    assert trigrams("a") == {"^a$"}
