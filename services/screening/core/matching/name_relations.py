"""Two relations of names that have a score of their own: the same words, and a short form."""

from __future__ import annotations

from typing import Final

from services.screening.core.names.comparison import Comparison
from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.normalisation import is_stop_word
from services.screening.core.names.similarity_features import is_generic
from services.screening.core.names.token_alignment import Alignment

DISTINCTIVE: Final = 0.8
"""A word of this rarity, on the lists and among people, is a company's own."""


def has_same_words(comparison: Comparison) -> bool:
    """Returns True if both names have the same words, and these are not all stop words."""
    words = comparison.alignment
    if words.queried_unpaired or words.listed_unpaired:
        return False
    pairs = words.pairs
    return all(pair.queried == pair.listed for pair in pairs) and any(
        not is_stop_word(pair.listed) for pair in pairs
    )


def is_short_form(words: Alignment) -> bool:
    """Returns True if the queried name is the listed one without generic words.

    Companies are called so for short: Megvii for Megvii Technology Limited. One of the remaining
    words must be distinctive, else many companies would have this short form.
    """
    if words.queried_unpaired or not words.pairs or not all(map(is_generic, words.listed_unpaired)):
        return False
    if any(pair.queried != pair.listed for pair in words.pairs):
        return False
    return any(
        min(pair.weight, rarity(pair.listed)) >= DISTINCTIVE and not is_generic(pair.listed)
        for pair in words.pairs
    )
