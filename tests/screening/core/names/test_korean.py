"""Korean names in Latin letters as lists spell them."""

import pytest

from services.screening.core.names.korean import romanise, without_initial_r_or_n


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [("김정은", "kim jongun"), ("박영식", "pak yongsik"), ("노무현", "ro muhyon")],
)
def test_a_persons_name_is_a_family_name_and_one_given_name(hangul: str, latin: str) -> None:
    assert romanise(hangul) == latin


def test_two_syllables_are_one_given_name() -> None:
    assert romanise("정은") == "jongun"


def test_a_longer_text_has_one_word_for_each_syllable() -> None:
    assert len(romanise("조선무역회사").split()) == 6


def test_an_initial_r_or_n_does_not_count() -> None:
    assert without_initial_r_or_n("리녀") == "이여"
    assert without_initial_r_or_n("김") == "김"
