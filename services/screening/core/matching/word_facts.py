"""Facts from the words that agree: how much they say about a match.

The name score weighs the words already. Stop words and common names only explain it, so these facts
have no weight.
"""

from __future__ import annotations

from typing import Final

from services.screening.core.config import FactWeights
from services.screening.core.matching.fact import Fact, enumerated, fact_of
from services.screening.core.model import Effect, Entry, EvidenceKind, PartyKind
from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.similarity_features import agreeing_words, only_stop_words_agree
from services.screening.core.names.token_alignment import Alignment

SHORT_WORD: Final = 8
"""A word of so many letters or fewer is short."""
_COMMON: Final = 0.8
"""A name is common up to this rarity: about one person in a thousand has it."""


def single_word(alignment: Alignment, declared: PartyKind, weights: FactWeights) -> Fact | None:
    """An organisation's name of a single short word says little: the shorter, the less."""
    if declared is PartyKind.PERSON:
        return None
    compared = [word for pair in alignment.pairs for word in pair.queried.split()] + list(
        alignment.queried_unpaired
    )
    if len(compared) != 1 or len(compared[0]) > SHORT_WORD:
        return None
    detail = f'The given name is the single short word "{compared[0]}".'
    missing = max(SHORT_WORD - len(compared[0]), 1)
    return fact_of(EvidenceKind.WORDS, Effect.NEUTRAL, detail, weights.single_short_word * missing)


def stop_words(alignment: Alignment, entry: Entry) -> Fact | None:
    """Legal forms, business words and titles that many parties share do not make a match."""
    if not only_stop_words_agree(alignment, is_person=entry.kind is PartyKind.PERSON):
        return None
    shared = agreeing_words(alignment)
    detail = (
        f"Only words that many names share agree: {enumerated(shared)}."
        if shared
        else "No word of the names agrees closely."
    )
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, 0.0)


def common_names(alignment: Alignment, entry: Entry) -> Fact | None:
    """Common names of persons agree by chance more often than rare ones."""
    common = [
        word for word in agreeing_words(alignment) if len(word) > 1 and rarity(word) <= _COMMON
    ]
    if entry.kind is not PartyKind.PERSON or not common:
        return None
    detail = f"Many people are called {enumerated(common)}."
    return fact_of(EvidenceKind.WORDS, Effect.NEUTRAL, detail, 0.0)
