"""Words of texts that people search by, such as names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import islice
from typing import Final

MAX_WORDS: Final = 300
_MAX_CHARACTERS: Final = 60


def search_words(texts: Iterable[str]) -> list[str]:
    """Returns the different words of the texts, without case and accents, at most 300.

    A word is a run of letters and digits; only its first 60 characters count.
    """
    words = (word for text in texts for word in _words(text))
    return sorted(islice(dict.fromkeys(words), MAX_WORDS))


def _words(text: str) -> list[str]:
    # Decomposition turns letters such as a mathematical A, which has no case, into capital ones.
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(
        each for each in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(each)
    )
    spaced = "".join(each if each.isalnum() else " " for each in plain)
    return [word[:_MAX_CHARACTERS] for word in spaced.split()]
