"""Variants of a name."""

# ruff: noqa: RUF001  letters of other alphabets are the cases

import pytest

from services.screening.core.model import Flag, PartyKind
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.variants import MAX_FUZZY, MAX_VARIANTS, Variant, variants_of


def variants(text: str, kind: PartyKind = PartyKind.UNKNOWN) -> dict[str, Variant]:
    return {each.name.key: each for each in variants_of(text, normalise(text), kind)}


def test_the_first_variant_is_the_name_as_written() -> None:
    first = variants_of("Alfa Ltd", normalise("Alfa Ltd"), PartyKind.ORGANISATION)[0]

    assert (first.name.key, first.description, first.is_fuzzy) == ("alfa ltd", "", True)


@pytest.mark.parametrize(
    ("text", "kind", "key", "description"),
    [
        ("Dr. Halis Bektas", PartyKind.PERSON, "halis bektas", "without its titles"),
        ("Haji Karim Agha", PartyKind.PERSON, "karim agha", "without its honorifics"),
        ("M/V Alfa Star", PartyKind.VESSEL, "alfa star", "without the form of address"),
        ("Alfa One a.k.a. Beta Two", PartyKind.UNKNOWN, "beta two", 'as "Beta Two"'),
        ("Huawei 华为", PartyKind.UNKNOWN, "huawei", 'as "Huawei"'),
        ("Put1n", PartyKind.PERSON, "putin", "with letters for digits and signs"),
    ],
)
def test_a_variant_has_a_description(
    text: str, kind: PartyKind, key: str, description: str
) -> None:
    assert variants(text, kind)[key].description == description


def test_a_person_with_a_title_is_compared_without_it() -> None:
    found = variants("Dr. Halis Bektas", PartyKind.PERSON)

    assert not found["dr halis bektas"].is_fuzzy
    assert found["halis bektas"].is_fuzzy


def test_a_variant_without_obfuscation_is_flagged() -> None:
    assert variants("A$$ad", PartyKind.PERSON)["assad"].flag is Flag.HOMOGLYPHS
    assert variants("СОРЕ", PartyKind.UNKNOWN)["cope"].flag is Flag.HOMOGLYPHS


def test_a_variant_of_stop_words_only_is_left_out() -> None:
    assert set(variants("Alfa (Trading Company)")) == {"alfa trading company", "alfa"}


def test_the_number_of_variants_is_bounded() -> None:
    text = " a.k.a. ".join(f"Example Number {number}" for number in range(20))
    found = variants_of(text, normalise(text), PartyKind.UNKNOWN)

    assert len(found) == MAX_VARIANTS
    assert sum(each.is_fuzzy for each in found) == MAX_FUZZY
