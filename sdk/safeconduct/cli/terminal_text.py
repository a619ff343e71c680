"""Makes foreign text safe to print.

A name in an application must not control the terminal of its reader.
"""

from __future__ import annotations

import json
from typing import Any, Final

KEPT: Final = frozenset("\n\t")
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
ESCAPED: Final = INVISIBLE | {"Zl", "Zp"}
"""Categories that JSON output escapes; the line separators U+2028 and U+2029 are among them."""
DELETE: Final = "\x7f"
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


def one_line(text: str) -> str:
    """The printable text in one line: ↵ stands for each line feed.

    So no name can add a line to a table.
    """
    return printable(text).replace("\n", "↵").replace("\t", " ")


def json_text(value: Any, indent: int | None = None) -> str:
    """The value as JSON in which every control and format character is an escape.

    A parser gets the same text back. Letters of all scripts stay readable.
    """
    written = json.dumps(value, ensure_ascii=False, indent=indent)
    if written.isascii() and DELETE not in written:
        # JSON itself escapes the other control characters of ASCII.
        return written
    import unicodedata

    return "".join(
        json.dumps(char)[1:-1] if char != "\n" and unicodedata.category(char) in ESCAPED else char
        for char in written.replace(DELETE, "\\u007f")
    )
