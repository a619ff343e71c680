"""Makes foreign text safe to print.

A name in an application must not control the terminal of its reader.
"""

from __future__ import annotations

from typing import Final

KEPT: Final = frozenset("\n\t")
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width joiners belong to the spelling of Persian and Indic words."""


def printable(text: str) -> str:
    """The text with � in place of every control and format character.

    Escape sequences and bidirectional marks are among them. The length in characters stays the
    same.
    """
    if text.isascii() and text.isprintable():
        return text
    import unicodedata

    return "".join(
        "�"
        if char not in KEPT and char not in JOINERS and unicodedata.category(char) in INVISIBLE
        else char
        for char in text
    )
