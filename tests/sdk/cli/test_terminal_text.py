"""Foreign text on a terminal: nothing in it controls the terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.cli.terminal_text import json_text, printable

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

TEXTS = st.text(st.characters())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("char", "written"),
    [
        ("\x9b", "\\u009b"),
        ("\x7f", "\\u007f"),
        ("\x1b", "\\u001b"),
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
        ("\u200d", "\\u200d"),
        ("\ufeff", "\\ufeff"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_json_writes_control_and_format_characters_as_escapes(char: str, written: str) -> None:
    assert json_text({"name": f"a{char}é"}) == f'{{"name": "a{written}é"}}'
    assert json_text({char: 1}) == f'{{"{written}": 1}}'


@given(VALUES, st.sampled_from([None, 2]))
def test_json_stays_json_with_the_same_content_and_has_no_character_that_acts(
    value: Any, indent: int | None
) -> None:
    written = json_text(value, indent)

    assert json.loads(written) == value
    assert not {char for char in written if char != "\n" and unicodedata.category(char) in UNSAFE}


def test_names_in_any_script_stay_readable() -> None:
    assert json_text("Møller 華為 Россия 🙂") == '"Møller 華為 Россия 🙂"'


@given(TEXTS)
def test_text_for_people_has_no_control_or_format_character_but_the_joiners_of_words(
    text: str,
) -> None:
    shown = printable(text)

    assert len(shown) == len(text)
    assert not {
        char
        for char in shown
        if char not in "\n\t\u200c\u200d" and unicodedata.category(char) in UNSAFE - {"Zl", "Zp"}
    }
