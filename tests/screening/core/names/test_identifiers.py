"""Identifiers in a comparable form."""

import pytest

from services.screening.core.names.identifiers import (
    identifier_family,
    identifier_key,
    is_globally_unique,
    is_same_family,
    without_country_prefix,
)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("X 0906-223", "X0906223"),
        ("IMO 9187629", "9187629"),
        ("IMO9187629", "9187629"),
        ("Passport No. A1234567 (Iran)", "A1234567"),
        ("٣٤٥٦٧", "34567"),
        ("ab", None),
    ],
)
def test_a_key_has_neither_punctuation_nor_label_nor_remark(value: str, key: str | None) -> None:
    assert identifier_key(value) == key


def test_types_of_one_family_or_without_a_meaning_can_be_the_same() -> None:
    assert identifier_family("Tax ID No.") == identifier_family("Commercial Registry Number")
    assert is_same_family("Passport", "Travel Document Number")
    assert is_same_family("Passport", "unknown")
    assert not is_same_family("Passport", "SWIFT/BIC")


def test_a_type_of_no_family_is_a_family_of_its_own() -> None:
    assert identifier_family(" Library Card ") == "library card"


def test_a_country_prefix_stands_before_eight_digits_or_more() -> None:
    assert without_country_prefix("DE123456789") == "123456789"
    assert without_country_prefix("DE1234") == "DE1234"


@pytest.mark.parametrize(
    ("key", "is_unique"), [("A1234567", True), ("1234", False), ("ABCDE", False)]
)
def test_a_short_value_is_not_unique_across_countries(key: str, is_unique: bool) -> None:
    assert is_globally_unique(key) is is_unique
