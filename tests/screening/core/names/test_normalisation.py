"""Names made comparable, in every script."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening.core.model import Flag
from services.screening.core.names.normalisation import (
    normalise,
    phonetic_skeleton,
    without_legal_forms,
)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_folding_a_folded_name_changes_nothing(text: str) -> None:
    key = normalise(text).key

    assert normalise(key).key == key


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_folded_name_holds_only_latin_letters_digits_and_single_spaces(text: str) -> None:
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


def test_letters_of_another_alphabet_that_imitate_latin_ones_are_seen_through_and_flagged() -> None:
    tricked = normalise("Huаwei")  # noqa: RUF001  the second letter is Cyrillic

    assert tricked.key == "huawei"
    assert tricked.flags == (Flag.MIXED_SCRIPT,)


def test_invisible_characters_are_dropped_and_flagged() -> None:
    tricked = normalise("Hua\u200bwei\u202e")

    assert tricked.key == "huawei"
    assert tricked.flags == (Flag.INVISIBLE_CHARACTERS,)


def test_an_honest_name_of_two_scripts_is_not_flagged() -> None:
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
def test_a_legal_form_is_no_part_of_the_core_whether_it_is_written_out_or_short(
    written: str,
) -> None:
    assert without_legal_forms(normalise(written).words) == ("alfa",)


def test_a_number_beside_a_legal_form_stays_in_the_core() -> None:
    assert without_legal_forms(normalise("Alfa II Inc.").words) == ("alfa", "ii")
