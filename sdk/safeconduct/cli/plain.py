"""Makes foreign text safe to show: a name in an application must not steer the terminal of the officer who reads it."""

from __future__ import annotations

import unicodedata
from typing import Final

KEPT: Final = frozenset("\n\t")
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width joiners belong to the spelling of Persian and Indic words."""


def plain(text: str) -> str:
    """The text with a � for every control and formatting character, escapes and bidirectional marks among them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("�" if _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    return unicodedata.category(char) in INVISIBLE and char not in KEPT and char not in JOINERS
