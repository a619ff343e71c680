"""Measures how similar two names are. The name score (`score`) is a function of these features.

Compares letters, sounds and aligned words. Holds no weights of features and knows no list.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.normalisation import is_stop_word
from services.screening.core.names.places import is_place_word
from services.screening.core.names.stop_words import FUNCTION_WORDS
from services.screening.core.names.token_alignment import Alignment
from services.screening.core.names.word_meaning import english_meaning
from services.screening.core.names.word_weights import WordWeights

AGREEING_WORD: Final = 0.75
"""Two paired words agree from this similarity on."""
WHOLE_NAME: Final = 0.85
"""Coverage of both names from which stop words alone may carry a match: the names consist of them.
"""
DISTINCTIVE_MEANINGS: Final = frozenset({None, "jihad"})
"""Meanings of words that are not generic: no known meaning, and one that few organisations use."""
MOST_OF_NAME: Final = 0.7
"""Coverage of both names from which several stop words may carry a match together."""
ENOUGH_STOP_WORDS: Final = 3
"""Number of agreeing stop words that may carry a match together."""
NOT_SIMILAR: Final = 0.0
"""The value of a feature when one side has nothing to compare."""


class ComparedName(NamedTuple):
    """A name in the forms that are compared.

    joined: all its letters. words: its core words. sorted_words: the core words in alphabetical
    order, one space apart.
    """

    joined: str
    words: tuple[str, ...]
    sorted_words: str


class SimilarityFeatures(NamedTuple):
    """The features of a queried and a listed name, 0..1 unless stated otherwise.

    "Weight" is the weight of a word among the listed names (`WordWeights`), 0..1. "Unpaired" words
    have no counterpart in the other name. A name score never falls when a similarity rises and
    never rises when a feature in `DECREASING` rises; it may depend on `UNCONSTRAINED` features in
    either direction. The fit refers to features by position and the score file by name: append,
    never reorder.
    """

    token_set_ratio: float
    """Words that both names share, regardless of order and additional words."""
    letter_ratio: float
    """Letters of both names without spaces, by edit distance."""
    core_letter_ratio: float
    """As `letter_ratio`, without legal forms."""
    partial_ratio: float
    """The shorter name against the best part of the longer one."""
    jaro_winkler: float
    """Jaro-Winkler similarity of the names without spaces."""
    sorted_ratio: float
    """Letters of both names with their core words in alphabetical order."""
    sorted_jaro_winkler: float
    """Jaro-Winkler similarity with the core words in alphabetical order."""
    skeleton_ratio: float
    """Phonetic skeletons of the whole names."""
    first_word: float
    """Similarity of the first words."""
    last_word: float
    """Similarity of the last words."""
    queried_coverage: float
    """Share of the queried name, by weight, that has a counterpart."""
    listed_coverage: float
    """Share of the listed name, by weight, that has a counterpart."""
    heaviest_close_pair: float
    """Weight of the heaviest pair that agrees."""
    paired_weight: float
    """Sum over pairs of weight times similarity; 0 and up."""
    closely_paired_weight: float
    """Sum over pairs of weight times squared similarity; 0 and up."""
    distinctive_paired_weight: float
    """As `paired_weight`, over pairs whose listed word is not generic; 0 and up."""
    queried_distinctive_coverage: float
    """Share of the distinctive queried words that has a counterpart, by weight; 0 without such
    words.
    """
    listed_distinctive_coverage: float
    """The same of the listed name."""
    best_pair_weight: float
    """Highest weight times similarity of a pair."""
    paired_rarity: float
    """Sum over pairs of rarity among people times similarity; 0 and up."""
    paired_rarity_weight: float
    """Sum over pairs of rarity times weight times similarity; 0 and up."""
    best_pair_rarity_weight: float
    """Highest rarity times weight times similarity of a pair."""
    least_similar_pair: float
    """Similarity of the least similar pair; pairs of initials do not count."""
    queried_worst_word: float
    """1 less the heaviest loss of a queried word, paired or not."""
    listed_worst_word: float
    """1 less the weight of the heaviest unpaired listed word."""
    queried_unpaired_weight: float
    """Weight of the unpaired queried words; 0 and up."""
    queried_unpaired_max: float
    """Weight of the heaviest unpaired queried word."""
    queried_unpaired_rarity: float
    """Rarity among people of the unpaired queried words, summed; 0 and up."""
    listed_unpaired_weight: float
    """Weight of the unpaired listed words; 0 and up."""
    replaced_weight: float
    """Weight of a word that seems replaced: the lighter of both sides' heaviest unpaired words."""
    worst_pair_loss: float
    """Highest loss within a pair: its weight times its dissimilarity."""
    paired_loss: float
    """Losses of all pairs, summed; 0 and up."""
    only_stop_words_agree: float
    """1 if only stop words agree, else 0."""
    queried_unpaired_words: float
    """Number of unpaired queried words."""
    listed_unpaired_words: float
    """Number of unpaired listed words."""
    generic_paired_weight: float
    """Weight of the pairs whose listed word is generic; 0 and up."""
    initials: float
    """Number of pairs in which one word is an initial."""
    queried_words: float
    """Number of queried core words."""
    listed_words: float
    """Number of listed core words."""
    is_person: float
    """1 if the queried party is a person, or of unknown kind and the listed one a person; else 0.
    """


DECREASING: Final = frozenset(
    {
        "queried_unpaired_weight",
        "queried_unpaired_max",
        "listed_unpaired_weight",
        "queried_unpaired_rarity",
        "replaced_weight",
        "worst_pair_loss",
        "paired_loss",
        "only_stop_words_agree",
        "queried_unpaired_words",
        "listed_unpaired_words",
    }
)
"""Features with which the name score never rises."""
UNCONSTRAINED: Final = frozenset(
    {"generic_paired_weight", "initials", "queried_words", "listed_words", "is_person"}
)
"""Features on which the name score may depend in either direction. With all others it never falls.
"""


def features_of(
    queried: ComparedName,
    listed: ComparedName,
    alignment: Alignment,
    weights: WordWeights,
    *,
    token_set_ratio: float,
    skeleton_ratio: float,
    is_person: bool,
    is_listed_person: bool,
) -> SimilarityFeatures:
    """Returns the features of two aligned names.

    The caller computes the two ratios, because it does so for many names at once.
    """
    # One pass over the pairs: this runs for every compared name, about forty times a screening.
    paired = closely_paired = distinctive = generic = best = worst_loss = loss_sum = 0.0
    rarity_sum = rarity_weight = best_rarity_weight = 0.0
    least_similar, initials = 1.0, 0
    has_words = False
    for pair in alignment.pairs:
        agreement = pair.similarity * pair.weight
        loss = pair.weight - agreement
        paired += agreement
        closely_paired += pair.similarity * agreement
        if is_generic(pair.listed):
            generic += pair.weight
        else:
            distinctive += agreement
        best = max(best, agreement)
        worst_loss = max(worst_loss, loss)
        loss_sum += loss
        pair_rarity = min(rarity(pair.queried), rarity(pair.listed))
        rarity_sum += pair_rarity * pair.similarity
        rarity_weight += pair_rarity * agreement
        best_rarity_weight = max(best_rarity_weight, pair_rarity * agreement)
        if len(pair.queried) == 1 or len(pair.listed) == 1:
            initials += 1
        else:
            has_words = True
            least_similar = min(least_similar, pair.similarity)
    ours = [weights[word] for word in alignment.queried_unpaired]
    theirs = [weights[word] for word in alignment.listed_unpaired]
    ours_distinctive = _distinctive_weight(alignment.queried_unpaired, weights)
    theirs_distinctive = _distinctive_weight(alignment.listed_unpaired, weights)
    ours_max, theirs_max = max(ours, default=0.0), max(theirs, default=0.0)
    return SimilarityFeatures(
        token_set_ratio=token_set_ratio,
        letter_ratio=fuzz.ratio(queried.joined, listed.joined) / 100,
        core_letter_ratio=fuzz.ratio("".join(queried.words), "".join(listed.words)) / 100,
        partial_ratio=fuzz.partial_ratio(queried.joined, listed.joined) / 100,
        jaro_winkler=JaroWinkler.similarity(queried.joined, listed.joined),
        sorted_ratio=fuzz.ratio(queried.sorted_words, listed.sorted_words) / 100,
        sorted_jaro_winkler=JaroWinkler.similarity(queried.sorted_words, listed.sorted_words),
        skeleton_ratio=skeleton_ratio,
        first_word=_word_ratio(queried.words[:1], listed.words[:1]),
        last_word=_word_ratio(queried.words[-1:], listed.words[-1:]),
        queried_coverage=alignment.queried_coverage,
        listed_coverage=alignment.listed_coverage,
        heaviest_close_pair=alignment.heaviest_close_pair,
        paired_weight=paired,
        closely_paired_weight=closely_paired,
        distinctive_paired_weight=distinctive,
        queried_distinctive_coverage=_coverage(distinctive, ours_distinctive),
        listed_distinctive_coverage=_coverage(distinctive, theirs_distinctive),
        best_pair_weight=best,
        paired_rarity=rarity_sum,
        paired_rarity_weight=rarity_weight,
        best_pair_rarity_weight=best_rarity_weight,
        least_similar_pair=least_similar if has_words else NOT_SIMILAR,
        queried_worst_word=(
            min(1 - worst_loss, 1 - ours_max) if alignment.pairs or ours else NOT_SIMILAR
        ),
        listed_worst_word=1 - theirs_max,
        queried_unpaired_weight=sum(ours),
        queried_unpaired_max=ours_max,
        queried_unpaired_rarity=sum(rarity(word) for word in alignment.queried_unpaired),
        listed_unpaired_weight=sum(theirs),
        replaced_weight=min(ours_max, theirs_max),
        worst_pair_loss=worst_loss,
        paired_loss=loss_sum,
        only_stop_words_agree=float(only_stop_words_agree(alignment, is_person=is_listed_person)),
        queried_unpaired_words=len(ours),
        listed_unpaired_words=len(theirs),
        generic_paired_weight=generic,
        initials=initials,
        queried_words=len(queried.words),
        listed_words=len(listed.words),
        is_person=float(is_person),
    )


def agreeing_words(alignment: Alignment) -> list[str]:
    """Returns the listed words whose counterparts agree with them."""
    return [pair.listed for pair in alignment.pairs if pair.similarity >= AGREEING_WORD]


def only_stop_words_agree(alignment: Alignment, *, is_person: bool) -> bool:
    """Returns whether only stop words agree and they are not nearly the whole of both names.

    is_person: whether the listed party is a person. In names of organisations generic words count
    as stop words too.
    """
    carries_nothing = is_stop_word if is_person else is_generic
    agreeing = agreeing_words(alignment)
    coverage = min(alignment.queried_coverage, alignment.listed_coverage)
    if coverage >= WHOLE_NAME or not all(map(carries_nothing, agreeing)):
        return False
    is_together = coverage >= MOST_OF_NAME and len(agreeing) >= ENOUGH_STOP_WORDS
    unpaired = (*alignment.queried_unpaired, *alignment.listed_unpaired)
    return not is_together or not all(map(carries_nothing, unpaired))


@lru_cache(maxsize=65_536)
def is_generic(word: str) -> bool:
    """Returns whether a word is generic in the name of an organisation, in any known language."""
    return (
        is_stop_word(word)
        or word in FUNCTION_WORDS
        or is_place_word(word)
        or english_meaning(word) not in DISTINCTIVE_MEANINGS
    )


def _distinctive_weight(words: tuple[str, ...], weights: WordWeights) -> float:
    return sum(weights[word] for word in words if not is_generic(word))


def _coverage(paired: float, unpaired: float) -> float:
    return paired / (paired + unpaired) if paired else NOT_SIMILAR


def _word_ratio(queried: tuple[str, ...], listed: tuple[str, ...]) -> float:
    return OSA.normalized_similarity(queried[0], listed[0]) if queried and listed else NOT_SIMILAR
