"""Facts that names tell: numbers, countries, patronymics, characters, light words. Each rule answers with a sentence.

Knows no index and no list. A rule returns nothing when either name says nothing: silence is no evidence.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from services.screening.core.config import FactWeights
from services.screening.core.matching.supporting_facts import Fact, fact_of, spoken
from services.screening.core.model import Effect, Entry, Evidence, EvidenceKind, PartyKind
from services.screening.core.names.korean import HANGUL, without_initial_r_or_n
from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.normalisation import normalise, without_legal_forms
from services.screening.core.names.numerals import DIGITS, numbers_as_digits, numbers_in
from services.screening.core.names.places import countries_in
from services.screening.core.names.published_names import PATRONYMIC
from services.screening.core.names.scripts import simplified_chinese
from services.screening.core.names.similarity_features import (
    agreeing_words,
    is_generic,
    only_stop_words_agree,
)
from services.screening.core.names.stop_words import INVESTMENT_VEHICLES
from services.screening.core.names.token_alignment import Alignment

HAN: Final = re.compile(r"[\u3400-\u9fff]")
CHILD_OF: Final = frozenset({"bin", "ben", "ibn", "bint", "binte", "binti", "ould"})
SHORT_WORD: Final = 8
LIKE_FATHER: Final = 0.5
"""Names of fathers that agree less are of two, in whatever language: Nikolai is Mykola, Ivan is not Pyotr."""
LONGEST_MARK: Final = 2
"""Longer words are no mark of a series."""
COMMON: Final = 0.8
"""Words no rarer than this among people are common: one person in about a thousand bears one."""


def number_words(
    queried: str, listed: str, whole: tuple[str, str], entry: Entry, weights: FactWeights
) -> Fact | None:
    """Numbers in names of organisations and vessels must agree: Plant 356 is not Plant 810, in whatever country.

    Of one sponsor's series of funds or issues the number says which one it is: another one is for an officer to see.

    queried and listed: what is compared. whole: the whole names as given and as published, whose numbers must not
    differ either.
    """
    if entry.kind is PartyKind.PERSON:
        return None
    asked, other = _numbers_of(queried), _numbers_of(listed)
    for ours, theirs in ((asked, other), map(_numbers_of, whole)):
        if (mine := ours - theirs) and (their_own := theirs - ours):
            detail = (
                f"The number {spoken(sorted(mine))} in the name differs from"
                f" the listed {spoken(sorted(their_own))}."
            )
            if _is_series(queried, listed):
                detail = f"{detail} All else agrees: they seem to be of one series, set up by one sponsor."
                return fact_of(
                    EvidenceKind.NUMBERS, Effect.CONTRADICTS, detail, weights.another_of_series
                )
            evidence = Evidence(EvidenceKind.NUMBERS, Effect.CONTRADICTS, detail)
            return Fact(evidence, weights.numbers_differ, is_bar=True)
    if asked == other:
        return None
    detail = f"The number {spoken(sorted((asked | other) - (asked & other)))} stands in only one of the names."
    return fact_of(EvidenceKind.NUMBERS, Effect.CONTRADICTS, detail, weights.number_missing)


def _is_series(queried: str, listed: str) -> bool:
    """Whether the names are of investment vehicles of one sponsor, whose own name they bear, but for numbers."""
    ours, theirs = (
        tuple(
            word
            for word, _ in numbers_as_digits(without_legal_forms(normalise(name).words))
            if not DIGITS.search(word)
        )
        for name in (queried, listed)
    )
    is_own = any(
        len(word) > LONGEST_MARK and not is_generic(word) and word not in INVESTMENT_VEHICLES
        for word in ours
    )
    return ours == theirs and is_own and not INVESTMENT_VEHICLES.isdisjoint(normalise(listed).words)


def countries_named(whole: tuple[str, str], entry: Entry, weights: FactWeights) -> Fact | None:
    """Firms called after different countries are sisters at most: Bank of China (Singapore), Bank of China (Hong Kong).

    whole: the whole names, as given and as published.
    """
    given, published = whole
    if entry.kind is PartyKind.PERSON or not (theirs := _countries_of(published)):
        return None
    ours = _countries_of(given)
    mine, their_own = ours.keys() - theirs.keys(), theirs.keys() - ours.keys()
    if not mine or not their_own:
        return None
    said, listed = (
        spoken(sorted(named[code] for code in own))
        for named, own in ((ours, mine), (theirs, their_own))
    )
    detail = f'The name given says "{said}" where the listed one says "{listed}".'
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.named_countries_differ)


@lru_cache(maxsize=65_536)
def _countries_of(name: str) -> Mapping[str, str]:
    return countries_in(normalise(name).words)


def patronymics(whole: tuple[str, str], entry: Entry, weights: FactWeights) -> Fact | None:
    """Persons with different patronymics have different fathers. whole: the whole names, as given and as published."""
    given, published = whole
    if entry.kind is not PartyKind.PERSON or (theirs := _patronymic(published)) is None:
        return None
    ours = _patronymic(given)
    if ours is None or OSA.normalized_similarity(ours[1], theirs[1]) >= LIKE_FATHER:
        return None
    detail = f'The patronymics differ: "{ours[0]}" and "{theirs[0]}".'
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.patronymics_differ)


@lru_cache(maxsize=65_536)
def _patronymic(name: str) -> tuple[str, str] | None:
    """The patronymic in a name and the father's name that it is made of."""
    found = ((word, PATRONYMIC.search(word)) for word in normalise(name).words)
    return next(((word, father[1]) for word, father in found if father is not None), None)


def characters(queried: str, listed: str, weights: FactWeights) -> Fact | None:
    """Names written in Chinese or Korean characters on both sides are told apart by these, however alike they sound."""
    for language, characters_of in (("Chinese", _han), ("Korean", _hangul)):
        asked, other = characters_of(queried), characters_of(listed)
        if asked and other and asked != other and len(asked) == len(other):
            detail = f'Both names are written in {language} characters, which differ: "{asked}" and "{other}".'
            return fact_of(
                EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.characters_differ
            )
    return None


def _han(text: str) -> str:
    return "".join(HAN.findall(simplified_chinese(text)))


def _hangul(text: str) -> str:
    return without_initial_r_or_n("".join(HANGUL.findall(text)))


def filiation(queried: Sequence[str], listed: Sequence[str], weights: FactWeights) -> Fact | None:
    """Ahmad bin Hasan is Hasan's son, Hasan bin Ahmad is Ahmad's: the same words of two people."""
    ours, theirs = _sons_in(queried), _sons_in(listed)
    swapped = next(
        ((son, father) for son, father in ours if son != father and (father, son) in theirs), None
    )
    if swapped is None:
        return None
    detail = f'By the name given "{swapped[1]}" is the parent of "{swapped[0]}", by the listed name the child.'
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.patronymics_differ)


def _sons_in(words: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Who is called whose child, with that one's parent."""
    return frozenset(
        (child, parent)
        for child, link, parent in zip(words, words[1:], words[2:], strict=False)
        if link in CHILD_OF
    )


@lru_cache(maxsize=65_536)
def _numbers_of(name: str) -> Counter[str]:
    return numbers_in(normalise(name).words)


def disguised(weights: FactWeights) -> Fact:
    """A name written so that a search passes it by is the more likely one that is searched for."""
    detail = "The name is written in a way that hides it from a search."
    return fact_of(EvidenceKind.WORDS, Effect.SUPPORTS, detail, weights.disguised)


def single_word(alignment: Alignment, declared: PartyKind, weights: FactWeights) -> Fact | None:
    """A firm's name of one short word that is only similar, or only a part, says little: the less, the shorter."""
    if declared is PartyKind.PERSON:
        return None
    compared = [word for pair in alignment.pairs for word in pair.queried.split()] + list(
        alignment.queried_unpaired
    )
    if len(compared) != 1 or len(compared[0]) > SHORT_WORD:
        return None
    detail = f'The name given is the single short word "{compared[0]}".'
    missing = max(SHORT_WORD - len(compared[0]), 1)
    return fact_of(EvidenceKind.WORDS, Effect.NEUTRAL, detail, weights.single_short_word * missing)


def light_words(alignment: Alignment, entry: Entry) -> Fact | None:
    """Legal forms, business words of any language and titles that many parties share cannot carry a match alone.

    The name score knows that; here it is said.
    """
    if not only_stop_words_agree(alignment, is_person=entry.kind is PartyKind.PERSON):
        return None
    shared = agreeing_words(alignment)
    detail = (
        f"Only words that many names share agree: {spoken(shared)}."
        if shared
        else "No word of the names agrees closely."
    )
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, 0.0)


def common_names(alignment: Alignment, entry: Entry) -> Fact | None:
    """Names of people that many bear agree by chance more often than others.

    The name score knows that; here it is said.
    """
    common = [
        word for word in agreeing_words(alignment) if len(word) > 1 and rarity(word) <= COMMON
    ]
    if entry.kind is not PartyKind.PERSON or not common:
        return None
    return fact_of(
        EvidenceKind.WORDS, Effect.NEUTRAL, f"Many people are called {spoken(common)}.", 0.0
    )
