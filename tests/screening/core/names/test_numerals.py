"""Numbers in names are read in every form; words that only look like numbers stay words."""

import pytest

from services.screening.core.names.normalisation import normalise
from services.screening.core.names.numerals import chinese_numbers_as_digits, numbers_in


def numbers(name: str) -> list[str]:
    return sorted(numbers_in(normalise(name).words).elements())


@pytest.mark.parametrize(
    "name",
    ["Plant No. 3", "Plant 3", "3rd Plant", "Third Plant", "Plant III", "Plant Three", "Plant 03"],
)
def test_a_number_is_the_same_in_digits_words_and_roman_numerals(name: str) -> None:
    assert numbers(name) == ["3"]


@pytest.mark.parametrize(
    "name", ["Brigade 44", "Brigade Forty-Four", "Brigade Forty 4", "44th Brigade"]
)
def test_tens_and_units_are_one_number(name: str) -> None:
    assert numbers(name) == ["44"]


@pytest.mark.parametrize(
    ("name", "number"), [("Fund I, Ltd", "1"), ("Fund V", "5"), ("Victory VI", "6")]
)
def test_a_single_roman_letter_counts_at_the_end_of_a_name(name: str, number: str) -> None:
    assert numbers(name) == [number]


@pytest.mark.parametrize(
    "name", ["Xi An Institute", "Vi Trading", "V. I. Lenin Plant", "Alfa S.A. de C V", "X"]
)
def test_letters_that_are_words_or_initials_are_no_numbers(name: str) -> None:
    assert numbers(name) == []


def test_numbers_have_no_leading_zeros_and_may_be_inside_words() -> None:
    assert numbers("Plant 0356 R2D2") == ["2", "2", "356"]


def test_a_number_that_occurs_twice_counts_twice() -> None:
    assert numbers("13th Institute (CETC 13)") == ["13", "13"]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("第七一三研究所", "第713研究所"),
        ("第十四研究所", "第14研究所"),
        ("第二百零三研究所", "第203研究所"),
        ("五三八厂", "538厂"),
        ("三一重工", "三一重工"),
    ],
)
def test_chinese_numbers_of_institutes_and_plants_become_digits(text: str, digits: str) -> None:
    assert chinese_numbers_as_digits(text) == digits
