"""Obfuscated names."""

# ruff: noqa: RUF001  letters of other alphabets are the cases

import pytest

from services.screening.core.model import Flag
from services.screening.core.names.obfuscation import (
    digits_as_letters,
    join_spaced_letters,
    latin_lookalike,
    lookalikes_as_latin,
    resolve_mixed_scripts,
    without_hidden_characters,
)


@pytest.mark.parametrize(
    ("written", "shown", "flags"),
    [
        ("Hua\u200bwei", "Huawei", (Flag.INVISIBLE_CHARACTERS,)),
        ("𝐇𝐮𝐚𝐰𝐞𝐢", "Huawei", (Flag.HOMOGLYPHS,)),
        ("H\u0336u\u0336a\u0336w\u0336e\u0336i\u0336", "Huawei", (Flag.STACKED_MARKS,)),
        ("ＦＵＬＬ", "FULL", ()),
        ("Müller", "Müller", ()),
        ("شرکت\u200cها", "شرکتها", ()),
    ],
)
def test_hidden_styled_and_overlaid_letters_are_undone_and_ordinary_ones_are_not_flagged(
    written: str, shown: str, flags: tuple[Flag, ...]
) -> None:
    assert without_hidden_characters(written) == (shown, flags)


def test_a_word_of_two_scripts_is_written_in_the_one_that_it_imitates() -> None:
    assert resolve_mixed_scripts("Huаwei Россия") == ("Huawei Россия", True)
    assert resolve_mixed_scripts("Huawei Россия") == ("Huawei Россия", False)
    assert resolve_mixed_scripts("Зaвод") == ("завод", True)


def test_a_word_of_lookalikes_may_be_a_latin_word() -> None:
    assert lookalikes_as_latin("СОРЕ Ltd") == "cope Ltd"
    assert lookalikes_as_latin("Завод") is None


def test_a_letter_has_at_most_one_latin_lookalike() -> None:
    assert latin_lookalike("а") == "a"
    assert latin_lookalike("x") == "x"
    assert latin_lookalike("ж") is None


@pytest.mark.parametrize(
    ("spaced", "joined"),
    [
        ("h u a w e i", "huawei"),
        ("h u a w e i   t e c h", "huawei tech"),
        ("alfa h u a w e i", "alfa huawei"),
    ],
)
def test_letters_that_are_spaced_out_are_joined(spaced: str, joined: str) -> None:
    assert join_spaced_letters(spaced) == (joined, True)


def test_initials_are_not_joined() -> None:
    assert join_spaced_letters("j r r tolkien") == ("j r r tolkien", False)


def test_digits_and_signs_inside_words_may_be_letters() -> None:
    assert list(digits_as_letters("Put1n")) == ["Putin", "Putln"]
    assert list(digits_as_letters("A$$ad")) == ["Assad", "Assad"]


@pytest.mark.parametrize("genuine", ["Plant 356", "YV2970", "21st", "5G", "Yahoo!"])
def test_genuine_digits_and_signs_are_left_alone(genuine: str) -> None:
    assert list(digits_as_letters(genuine)) == []
