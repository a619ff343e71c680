"""Names of other scripts in Latin letters."""

import pytest

from services.screening.core.names.scripts import simplified_chinese, transliterate


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("хрущёв", "khrushchev"),
        ("γιώργος παπαδόπουλος", "yorgos papadopulos"),
        ("習近平", "xi jinping"),
        ("김정은", "kim jongun"),
        ("राम", "ram"),
        ("בן", "bn"),
    ],
)
def test_a_script_is_written_as_english_readers_write_its_sound(text: str, latin: str) -> None:
    assert transliterate(text).strip() == latin


def test_business_words_are_translated_and_arabic_ones_only_on_request() -> None:
    assert transliterate("جماعة").strip() == "group"
    assert transliterate("جماعة", by_meaning=False).strip() == "jmaaa"
    assert transliterate("银行").strip() == "bank"


def test_a_title_behind_a_chinese_name_is_left_out() -> None:
    assert transliterate("王伟先生").strip() == "wang wei"


def test_traditional_characters_become_simplified_ones() -> None:
    assert simplified_chinese("華為") == "华为"
    assert simplified_chinese("Huawei") == "Huawei"
