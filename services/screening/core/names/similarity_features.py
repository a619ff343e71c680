"""How alike two names are, in figures: what the name score is made of. Knows words and letters, no weights of them."""

from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.normalisation import is_light
from services.screening.core.names.places import is_place
from services.screening.core.names.token_alignment import Alignment, Weights
from services.screening.core.names.vocabulary import meaning_of
from services.screening.core.names.words import LINKING

CLOSE_WORD: Final = 0.75
"""From this likeness on words agree."""
WHOLE: Final = 0.85
"""Share of both names from which generic words may carry a match: then it is the name itself that consists of them."""
TELLING: Final = frozenset({None, "jihad"})
"""What is no general word: words without a known meaning, and one that few bear."""
MOSTLY: Final = 0.7
TOGETHER: Final = 3
"""General words that carry a match together, when they are most of both names and nothing of its own is left over."""
ALIKE_LEAST: Final = 0.0
"""The likeness of nothing to anything."""


class Form(NamedTuple):
    """A name as it is compared: all its letters, its words but for legal forms, these in alphabetical order."""

    joined: str
    words: tuple[str, ...]
    ordered: str


class Likeness(NamedTuple):
    """The likenesses and differences of a queried and a listed name; 0..1 unless said otherwise.

    Words weigh by their rarity, 0..1. What is left is left without counterpart. The name score never falls with a
    likeness and never rises with a difference; counts and kinds may go either way.
    """

    shared_words: float
    """Words of one name in the other, order and extra words aside."""
    letters: float
    """Both names letter by letter, without spaces."""
    core_letters: float
    """The same without legal forms."""
    part: float
    """The shorter name within the longer one."""
    start: float
    """Both names from their beginnings on (Jaro and Winkler)."""
    ordered: float
    """Words in alphabetical order, letter by letter."""
    ordered_start: float
    """The same from the beginning on."""
    sound: float
    """The consonants of the whole names."""
    first: float
    """The first words."""
    last: float
    """The last words."""
    queried_share: float
    """How much of the queried name has its counterpart, by weight."""
    listed_share: float
    """How much of the listed name has its counterpart, by weight."""
    carried: float
    """The weight of the heaviest good pair."""
    paired: float
    """The weight of all pairs, each by its likeness; 0 and up."""
    paired_well: float
    """The same, less alike pairs counting less; 0 and up."""
    paired_telling: float
    """The weight of the pairs that are of no general words, each by its likeness; 0 and up."""
    queried_own_share: float
    """How much of the queried words that are no general ones has its counterpart, by weight; 0 without such words."""
    listed_own_share: float
    """The same of the listed name."""
    best_pair: float
    """The weight of the heaviest pair, by its likeness."""
    told: float
    """What the pairs tell, by their likeness and by how few people bear such a name, listed or not; 0 and up."""
    told_by_list: float
    """The same by their weight as well; 0 and up."""
    told_most: float
    """What the most telling pair tells, by its weight as well."""
    least_pair: float
    """The likeness of the least alike words that are paired, initials aside."""
    queried_weakest: float
    """1 less the heaviest loss of a queried word, in a pair or without one."""
    listed_weakest: float
    """1 less the weight of the heaviest listed word that is left."""
    queried_left: float
    """The weight of queried words that are left; 0 and up. A difference, as are those that follow."""
    queried_left_most: float
    untold: float
    """What the queried words tell that are left, by how few people bear them; 0 and up."""
    listed_left: float
    """The weight of listed words that are left; 0 and up."""
    replaced: float
    """The weight of what seems replaced: the lighter of the heaviest words that are left on either side."""
    worst_pair: float
    """The heaviest loss within a pair."""
    lost: float
    """All losses within pairs; 0 and up."""
    is_light: float
    """1 when only words that many names share agree."""
    queried_words_left: float
    """How many queried words are left; a count."""
    listed_words_left: float
    """How many listed words are left; a count."""
    paired_general: float
    """The weight of the pairs of general words; 0 and up. On it and on those that follow the score depends either way.
    """
    initials: float
    """How many pairs are of an initial; a count, as are those that follow."""
    queried_words: float
    listed_words: float
    is_person: float
    """1 when the name is asked for as a person's, or as nobody knows whose and listed as a person's."""


FALLING: Final = frozenset(
    {
        "queried_left",
        "queried_left_most",
        "listed_left",
        "untold",
        "replaced",
        "worst_pair",
        "lost",
        "is_light",
        "queried_words_left",
        "listed_words_left",
    }
)
"""Differences: the name score never rises with them."""
FREE: Final = frozenset(
    {"paired_general", "initials", "queried_words", "listed_words", "is_person"}
)
"""What the score may depend on either way. With all others it never falls."""


def likeness_of(
    queried: Form,
    listed: Form,
    words: Alignment,
    weights: Weights,
    *,
    shared_words: float,
    sound: float,
    is_person: bool,
    is_listed_person: bool,
) -> Likeness:
    """The likeness of two names whose words are aligned."""
    paired = paired_well = telling = general = best = worst = lost = 0.0
    told = told_by_list = told_most = 0.0
    least, initials = 1.0, 0
    has_words = False
    for pair in words.pairs:
        by_likeness = pair.likeness * pair.weight
        loss = pair.weight - by_likeness
        paired += by_likeness
        paired_well += pair.likeness * by_likeness
        if is_general(pair.listed):
            general += pair.weight
        else:
            telling += by_likeness
        best = max(best, by_likeness)
        worst = max(worst, loss)
        lost += loss
        is_rare = min(rarity(pair.queried), rarity(pair.listed))
        told += is_rare * pair.likeness
        told_by_list += is_rare * by_likeness
        told_most = max(told_most, is_rare * by_likeness)
        if len(pair.queried) == 1 or len(pair.listed) == 1:
            initials += 1
        else:
            has_words = True
            least = min(least, pair.likeness)
    ours = [weights[word] for word in words.queried_rest]
    theirs = [weights[word] for word in words.listed_rest]
    ours_own = sum(weights[word] for word in words.queried_rest if not is_general(word))
    theirs_own = sum(weights[word] for word in words.listed_rest if not is_general(word))
    ours_most, theirs_most = max(ours, default=0.0), max(theirs, default=0.0)
    return Likeness(
        shared_words=shared_words,
        letters=fuzz.ratio(queried.joined, listed.joined) / 100,
        core_letters=fuzz.ratio("".join(queried.words), "".join(listed.words)) / 100,
        part=fuzz.partial_ratio(queried.joined, listed.joined) / 100,
        start=JaroWinkler.similarity(queried.joined, listed.joined),
        ordered=fuzz.ratio(queried.ordered, listed.ordered) / 100,
        ordered_start=JaroWinkler.similarity(queried.ordered, listed.ordered),
        sound=sound,
        first=_alike(queried.words[:1], listed.words[:1]),
        last=_alike(queried.words[-1:], listed.words[-1:]),
        queried_share=words.queried_share,
        listed_share=words.listed_share,
        carried=words.carried,
        paired=paired,
        paired_well=paired_well,
        paired_telling=telling,
        queried_own_share=telling / (telling + ours_own) if telling else ALIKE_LEAST,
        listed_own_share=telling / (telling + theirs_own) if telling else ALIKE_LEAST,
        best_pair=best,
        told=told,
        told_by_list=told_by_list,
        told_most=told_most,
        least_pair=least if has_words else ALIKE_LEAST,
        queried_weakest=min(1 - worst, 1 - ours_most) if words.pairs or ours else ALIKE_LEAST,
        listed_weakest=1 - theirs_most,
        queried_left=sum(ours),
        queried_left_most=ours_most,
        untold=sum(rarity(word) for word in words.queried_rest),
        listed_left=sum(theirs),
        replaced=min(ours_most, theirs_most),
        worst_pair=worst,
        lost=lost,
        is_light=float(is_carried_by_light_words(words, is_person=is_listed_person)),
        queried_words_left=len(ours),
        listed_words_left=len(theirs),
        paired_general=general,
        initials=initials,
        queried_words=len(queried.words),
        listed_words=len(listed.words),
        is_person=float(is_person),
    )


def agreeing(alignment: Alignment) -> list[str]:
    """The listed words whose counterparts agree with them."""
    return [pair.listed for pair in alignment.pairs if pair.likeness >= CLOSE_WORD]


def is_carried_by_light_words(alignment: Alignment, *, is_person: bool) -> bool:
    """Whether nothing but light words agrees, and that is not nearly the whole of both names. is_person: the listed."""
    light = is_light if is_person else is_general
    shared = agreeing(alignment)
    share = min(alignment.queried_share, alignment.listed_share)
    if share >= WHOLE or not all(map(light, shared)):
        return False
    is_together = share >= MOSTLY and len(shared) >= TOGETHER
    return not is_together or not all(map(light, (*alignment.queried_rest, *alignment.listed_rest)))


@lru_cache(maxsize=65_536)
def is_general(word: str) -> bool:
    """Whether a word says nothing of its own in the name of an organisation, in whatever language."""
    return is_light(word) or word in LINKING or is_place(word) or meaning_of(word) not in TELLING


def _alike(queried: tuple[str, ...], listed: tuple[str, ...]) -> float:
    return OSA.normalized_similarity(queried[0], listed[0]) if queried and listed else ALIKE_LEAST
