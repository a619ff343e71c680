"""Scores names of organisations that agree by meaning or by acronym.

Two names of one organisation may share no word: "Siman-e Kurdistan" is "Kurdistan Cement". Such
matches have scores and a threshold of their own, because the name score was fitted on names that
are spelled alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rapidfuzz.distance import OSA

from services.screening.core.names.acronyms import MAX_ACRONYM, MIN_ACRONYM, is_acronym, is_blend
from services.screening.core.names.stop_words import GENERIC
from services.screening.core.names.token_alignment import Alignment
from services.screening.core.names.translated_names import TranslatedName
from services.screening.core.names.word_meaning import MEANINGS
from services.screening.core.names.word_similarity import word_similarity
from services.screening.core.names.word_weights import WordWeights

AGREEING: Final = 0.8
"""Similarity from which a distinctive word carries a match."""
MIN_DISTINCTIVE_WEIGHT: Final = 0.45
"""Weight from which a word is distinctive."""
MIN_GENERIC_WEIGHT: Final = 0.8
"""Weight from which several generic words carry a match together."""
MIN_GENERIC_COVERAGE: Final = 0.75
"""Coverage of both names that generic words need to carry a match."""
ACRONYM_SCORES: Final[Mapping[int, float]] = {3: 0.7, 4: 0.85, 5: 0.93}
"""Score of an acronym by its length: a longer one is less often a coincidence."""
LONG_ACRONYM_SCORE: Final = 0.97
WHOLE_NAME_BONUS: Final = 0.03
"""Added if the acronym is the whole queried name. In a longer name it may be a family name, as in
Lund Electronics.
"""
SHARED_ACRONYM_PENALTY: Final = 0.02
"""Subtracted for every further party with the same acronym."""
BLEND_SCORE: Final = 0.85
SHORT_FORM_SIMILARITY: Final = 0.8
"""Similarity of an acronym or blend inside a name and the words that it stands for."""
SAME_SPELLING: Final = 0.6
"""Words that are at least this similar are recognised without their meaning."""


class MatchBasis(StrEnum):
    """Why two names match."""

    MEANING = "MEANING"
    ACRONYM = "ACRONYM"


@dataclass(frozen=True, slots=True)
class TranslationMatch:
    """A listed name that a queried name translates or abbreviates, or that abbreviates it.

    row: the row of the listed name. score: 0..1. recognised: pairs of what is written and what it
    stands for.
    """

    row: int
    score: float
    basis: MatchBasis
    recognised: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OrganisationForms:
    """The compared forms of an organisation's name: all its words, and their meanings."""

    key: tuple[str, ...]
    translated: TranslatedName


def acronym_score(letters: str, parties: int, *, is_whole_name: bool) -> float:
    """Returns the score of an acronym that this number of listed parties have."""
    score = ACRONYM_SCORES.get(len(letters), LONG_ACRONYM_SCORE)
    bonus = WHOLE_NAME_BONUS if is_whole_name else 0.0
    return max(score + bonus - SHARED_ACRONYM_PENALTY * (parties - 1), 0.0)


def match_by_meaning(
    row: int,
    queried: OrganisationForms,
    listed: OrganisationForms,
    alignment: Alignment,
    weights: WordWeights,
) -> TranslationMatch | None:
    """Returns the match of two names whose words are aligned by meaning, or None.

    None means that the pairs carry no match or that spelling alone shows them all, which is the
    name score's task. If the words left on one side are abbreviated on the other, the match is an
    acronym.
    """
    ours, theirs = alignment.queried_coverage, alignment.listed_coverage
    basis = MatchBasis.MEANING
    recognised = tuple(_translated_pairs(queried.translated, listed.translated, alignment))
    if short := _abbreviation(queried, listed, alignment):
        recognised, basis = (short,), MatchBasis.ACRONYM
        ours = theirs = _coverage_with_abbreviation(alignment, weights)
    if not recognised or not _carries_match(alignment, min(ours, theirs)):
        return None
    return TranslationMatch(row, (ours + theirs) / 2, basis, recognised)


def same_numbers(one: TranslatedName, other: TranslatedName) -> bool:
    """Returns whether both names contain the same numbers.

    Names with different numbers never match.
    """
    return _numbers(one) == _numbers(other)


def meaning_similarity(left: str, right: str) -> float:
    """Returns the similarity of two words by meaning.

    Two words of the vocabulary are equal or different.
    """
    if left == right:
        return 1.0
    return 0.0 if left in MEANINGS and right in MEANINGS else word_similarity(left, right)


def possible_acronym(name: TranslatedName) -> str | None:
    """Returns the only distinctive word of a name if it may be an acronym, else None."""
    distinctive = [word for word in name.words if word not in GENERIC and not word[0].isdigit()]
    if len(distinctive) != 1:
        return None
    word = distinctive[0]
    is_possible = (
        MIN_ACRONYM <= len(word) <= MAX_ACRONYM and word.isalpha() and word not in MEANINGS
    )
    return word if is_possible else None


def _abbreviation(
    queried: OrganisationForms, listed: OrganisationForms, alignment: Alignment
) -> tuple[str, str] | None:
    """Returns the abbreviation of one name and the words of the other that it stands for, or None.

    The abbreviation is the only unpaired word of its name and stands for all unpaired words of the
    other.
    """
    ours, theirs = alignment.queried_unpaired, alignment.listed_unpaired
    if len(ours) == 1 and theirs:
        short, long = ours[0], listed
        paired = {pair.listed for pair in alignment.pairs}
    elif len(theirs) == 1 and ours:
        short, long = theirs[0], queried
        paired = {pair.queried for pair in alignment.pairs}
    else:
        return None
    meanings = zip(long.translated.words, long.translated.written, strict=True)
    written = {word for meaning, word in meanings if meaning in paired}
    rest = [word for word in long.key if word not in written]
    is_short = is_acronym(short, rest) or is_blend(short, rest)
    return (short, " ".join(rest)) if is_short else None


def _coverage_with_abbreviation(alignment: Alignment, weights: WordWeights) -> float:
    """Returns the coverage of both names if unpaired words of one abbreviate those of the other."""
    paired = sum(pair.weight for pair in alignment.pairs)
    agreed = sum(pair.similarity * pair.weight for pair in alignment.pairs)
    sides = (alignment.queried_unpaired, alignment.listed_unpaired)
    rest = min(sum(weights[word] for word in side) for side in sides)
    return (agreed + SHORT_FORM_SIMILARITY * rest) / (paired + rest)


def _carries_match(alignment: Alignment, coverage: float) -> bool:
    """Returns whether a distinctive word agrees, or generic words agree that cover most of both."""
    if any(
        pair.similarity >= AGREEING
        and pair.weight >= MIN_DISTINCTIVE_WEIGHT
        and pair.listed not in GENERIC
        and pair.listed not in MEANINGS
        for pair in alignment.pairs
    ):
        return True
    weight = sum(pair.weight for pair in alignment.pairs)
    return (
        len(alignment.pairs) > 1
        and coverage >= MIN_GENERIC_COVERAGE
        and weight >= MIN_GENERIC_WEIGHT
    )


def _translated_pairs(
    queried: TranslatedName, listed: TranslatedName, alignment: Alignment
) -> Iterable[tuple[str, str]]:
    """Yields the words that agree by meaning and not by spelling, as they are written."""
    ours = dict(zip(queried.words, queried.written, strict=True))
    theirs = dict(zip(listed.words, listed.written, strict=True))
    for pair in alignment.pairs:
        left, right = ours.get(pair.queried, pair.queried), theirs.get(pair.listed, pair.listed)
        if pair.similarity == 1 and OSA.normalized_similarity(left, right) < SAME_SPELLING:
            yield left, right


def _numbers(name: TranslatedName) -> Sequence[str]:
    return sorted(word for word in name.words if word[0].isdigit())
