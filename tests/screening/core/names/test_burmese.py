"""Burmese names in Latin letters as published names spell them."""

import pytest

from services.screening.core.names.burmese import romanise


@pytest.mark.parametrize(
    ("burmese", "latin"),
    [
        ("မင်းအောင်လှိုင်", "min aung hlaing"),
        ("ထွန်း", "htun"),
        ("ဦးစိုး", "soe"),
        ("ကျော်", "kyaw"),
    ],
)
def test_a_burmese_name_is_spelled_by_its_sound(burmese: str, latin: str) -> None:
    assert romanise(burmese) == latin


def test_a_letter_that_is_no_syllable_leaves_nothing() -> None:
    assert romanise("\u1037") == ""
