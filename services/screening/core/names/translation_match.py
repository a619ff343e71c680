"""The second channel: listed organisations under translated names and acronyms.

Knows the names of one generation.

It never blends into the name score: what it finds has a score of its own, thresholds of its own,
and says how it was found. Names that agree as they are written are no business of the channel.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import log
from typing import Any, Final

import numpy as np
from rapidfuzz.distance import OSA

from services.screening.core.names.acronyms import (
    LONGEST,
    SHORTEST,
    acronyms,
    is_acronym,
    is_blend,
    shortened,
)
from services.screening.core.names.normalisation import NormalisedName, phonetic_skeleton
from services.screening.core.names.token_alignment import Aligner, Alignment
from services.screening.core.names.translated_names import (
    TranslatedName,
    translate_name,
    translate_words,
)
from services.screening.core.names.vocabulary import WORDS
from services.screening.core.names.word_similarity import word_similarity
from services.screening.core.names.word_weights import WordWeights
from services.screening.core.names.words import GENERIC

COMMONEST_TERM: Final = 3_000
"""Terms of more names than this bring nobody in."""
COMPARED: Final = 12
LEAST_FOUND: Final = 0.3
"""Share of the queried terms, by rarity, that a name must have to be compared."""
ALIKE: Final = 0.8
"""From this likeness on a distinctive word carries a match."""
TELLING: Final = 0.45
"""Least weight of such a word."""
TOGETHER: Final = 0.8
"""Weight of general words that carry a match together."""
WHOLE: Final = 0.75
"""Least share of both names that general words must make up to carry a match."""
ACRONYM_SCORES: Final[Mapping[int, float]] = {3: 0.7, 4: 0.85, 5: 0.93}
"""Score of an acronym by its letters: the longer, the rarer by chance."""
LONG_ACRONYM: Final = 0.97
ALONE: Final = 0.03
"""Added when the acronym is all that is asked: in a longer name the like may be a family's, Lund
Electronics.
"""
BLEND: Final = 0.85
SHORT_FOR: Final = 0.8
"""How well a word agrees with the words that it is short for."""
CROWD: Final = 0.02
"""Taken off for every further name with the same acronym."""
MOST_BORNE: Final = 40
"""An acronym of more names than this says nothing."""
SAME_WORD: Final = 0.6
"""Words this alike are seen as one without knowing what they mean."""


class MatchBasis(StrEnum):
    """How the channel found a name."""

    MEANING = "MEANING"
    ACRONYM = "ACRONYM"


@dataclass(frozen=True, slots=True)
class TranslationMatch:
    """A listed name of kin: the row's position, the channel's score 0..1, how it was found.

    told: what was recognised, as (written, what it stands for) of the queried or listed name.
    """

    row: int
    score: float
    basis: MatchBasis
    recognised: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OrganisationName:
    """A listed name that the channel knows. row and entry: positions; key: all its words; core.

    No legal forms.
    """

    row: int
    entry: int
    key: tuple[str, ...]
    core: tuple[str, ...]


Positions = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class TranslationIndex:
    """Names of organisations by the meaning of their words and by their acronyms.

    Built once, only read.
    """

    members: tuple[OrganisationName, ...]
    names: tuple[TranslatedName, ...]
    weights: WordWeights
    terms: Mapping[str, Positions]
    by_acronym: Mapping[str, Positions]
    shorts: Mapping[str, Positions]
    greater: "TranslationIndex | None" = None
    """The channel by whose names it is judged how many have an acronym; None: this one."""

    @classmethod
    def build(cls, members: Sequence[OrganisationName]) -> "TranslationIndex":
        """The channel of these names."""
        names = tuple(translate_words(member.core) for member in members)
        terms: dict[str, list[int]] = defaultdict(list)
        by_acronym: dict[str, list[int]] = defaultdict(list)
        shorts: dict[str, list[int]] = defaultdict(list)
        for position, (member, name) in enumerate(zip(members, names, strict=True)):
            for term in _terms(name.words):
                terms[term].append(position)
            for letters in acronyms(member.key):
                by_acronym[letters].append(position)
            if (short := short_word(name)) is not None:
                shorts[short].append(position)
        weights = WordWeights(name.words for name in names)
        return cls(
            tuple(members), names, weights, _frozen(terms), _frozen(by_acronym), _frozen(shorts)
        )

    def with_statistics_of(self, greater: "TranslationIndex") -> "TranslationIndex":
        """The same names, their words and acronyms weighed as in a greater channel, which has these names too."""
        return replace(self, weights=greater.weights, greater=greater)

    def find(self, name: NormalisedName) -> tuple[TranslationMatch, ...]:
        """Listed names of kin, best first, one find of a row."""
        asked = translate_name(name)
        found: dict[int, TranslationMatch] = {}
        for kin in (*self._by_acronym(name, asked), *self._by_meaning(name, asked)):
            if (known := found.get(kin.row)) is None or kin.score > known.score:
                found[kin.row] = kin
        return tuple(sorted(found.values(), key=lambda kin: (-kin.score, kin.row)))

    def _by_acronym(
        self, name: NormalisedName, asked: TranslatedName
    ) -> Iterable[TranslationMatch]:
        if name.is_non_latin:
            return
        if (short := short_word(asked)) is not None:
            alone = ALONE if len(asked.words) == 1 else 0.0
            yield from self._standing_for(
                lambda channel: channel.by_acronym, short, asked, more=alone
            )
            yield from self._blended(short, asked)
        for letters in acronyms(name.words):
            yield from self._standing_for(lambda channel: channel.shorts, letters, asked, name.key)

    def _standing_for(
        self,
        table: Callable[["TranslationIndex"], Mapping[str, Positions]],
        letters: str,
        asked: TranslatedName,
        stands_for: str = "",
        more: float = 0.0,
    ) -> Iterable[TranslationMatch]:
        """Names in a table of acronyms; what the acronym stands for is the listed name unless it is the queried one."""
        borne = table(self).get(letters, ())
        all_names = self.greater or self
        everywhere = table(all_names).get(letters, ())
        if len(everywhere) > MOST_BORNE:
            return
        bearers = len({all_names.members[position].entry for position in everywhere})
        score = ACRONYM_SCORES.get(len(letters), LONG_ACRONYM) + more - CROWD * (bearers - 1)
        for position in borne:
            if self._agree(asked, position):
                told = (letters, stands_for or " ".join(self.members[position].key))
                yield TranslationMatch(
                    self.members[position].row, max(score, 0.0), MatchBasis.ACRONYM, (told,)
                )

    def _blended(self, word: str, asked: TranslatedName) -> Iterable[TranslationMatch]:
        positions = {
            int(at) for letters in set(shortened(word)) for at in self.by_acronym.get(letters, ())
        }
        for position in positions:
            if is_blend(word, self.members[position].key) and self._agree(asked, position):
                yield TranslationMatch(
                    self.members[position].row,
                    BLEND,
                    MatchBasis.ACRONYM,
                    ((word, " ".join(self.members[position].key)),),
                )

    def _agree(self, asked: TranslatedName, position: int) -> bool:
        """Whether the numbers of both names agree."""
        return _numbers(asked) == _numbers(self.names[position])

    def _by_meaning(
        self, name: NormalisedName, asked: TranslatedName
    ) -> Iterable[TranslationMatch]:
        if not asked.words:
            return
        aligner = Aligner(asked.words, self.weights, same_meaning)
        for position in self._likely(asked):
            if self._agree(asked, position):
                alignment = aligner.align(self.names[position].words)
                if (kin := self._compared(name, asked, position, alignment)) is not None:
                    yield kin

    def _likely(self, asked: TranslatedName) -> list[int]:
        """The names that share most terms, by rarity."""
        found, weights, total = [], [], 0.0
        for term in _terms(asked.words):
            borne = self.terms.get(term)
            rarity = log(len(self.members) / len(borne)) if borne is not None else 0.0
            total += rarity
            if borne is not None and len(borne) <= COMMONEST_TERM:
                found.append(borne)
                weights.append(np.full(len(borne), rarity))
        if not found:
            return []
        sums = np.bincount(np.concatenate(found), weights=np.concatenate(weights))
        likely = np.flatnonzero(sums >= LEAST_FOUND * total)
        if len(likely) > COMPARED:
            likely = likely[np.argpartition(-sums[likely], COMPARED)[:COMPARED]]
        best: list[int] = likely.tolist()
        return best

    def _compared(
        self, name: NormalisedName, asked: TranslatedName, position: int, alignment: Alignment
    ) -> TranslationMatch | None:
        listed = self.names[position]
        told = tuple(_sources(asked, listed, alignment))
        ours, theirs = alignment.queried_coverage, alignment.listed_coverage
        basis = MatchBasis.MEANING
        if short := self._stands_for(name, asked, position, alignment):
            told, basis = (short,), MatchBasis.ACRONYM
            ours = theirs = self._share(alignment)
        if not told or not self._carries(alignment, min(ours, theirs)):
            return None
        return TranslationMatch(self.members[position].row, (ours + theirs) / 2, basis, told)

    def _stands_for(
        self, name: NormalisedName, asked: TranslatedName, position: int, alignment: Alignment
    ) -> tuple[str, str] | None:
        """The one word left on one side that is an acronym or a blend of the words left on the other."""
        queried, listed = alignment.queried_unpaired, alignment.listed_unpaired
        if len(queried) == 1 and listed:
            one, other, key = queried[0], self.names[position], self.members[position].key
            paired = {pair.listed for pair in alignment.pairs}
        elif len(listed) == 1 and queried:
            one, other, key = listed[0], asked, name.words
            paired = {pair.queried for pair in alignment.pairs}
        else:
            return None
        written = {
            word
            for meaning, word in zip(other.words, other.written, strict=True)
            if meaning in paired
        }
        left = [word for word in key if word not in written]
        return (one, " ".join(left)) if is_acronym(one, left) or is_blend(one, left) else None

    def _share(self, alignment: Alignment) -> float:
        """The share of both names that agrees when the rest of one is short for the rest of the other."""
        whole = sum(pair.weight for pair in alignment.pairs)
        agreed = sum(pair.similarity * pair.weight for pair in alignment.pairs)
        sides = (alignment.queried_unpaired, alignment.listed_unpaired)
        rest = min(sum(self.weights[word] for word in side) for side in sides)
        return (agreed + SHORT_FOR * rest) / (whole + rest)

    def _carries(self, alignment: Alignment, share: float) -> bool:
        """Whether the pairs can carry a match.

        A distinctive word does, or general words that make up both names.
        """
        if any(
            pair.similarity >= ALIKE
            and pair.weight >= TELLING
            and pair.listed not in GENERIC
            and pair.listed not in WORDS
            for pair in alignment.pairs
        ):
            return True
        weight = sum(pair.weight for pair in alignment.pairs)
        return len(alignment.pairs) > 1 and share >= WHOLE and weight >= TOGETHER


def _sources(
    asked: TranslatedName, listed: TranslatedName, alignment: Alignment
) -> Iterable[tuple[str, str]]:
    """The pairs that only their meaning shows: written differently, meaning the same."""
    ours, theirs = (
        dict(zip(asked.words, asked.written, strict=True)),
        dict(zip(listed.words, listed.written, strict=True)),
    )
    for pair in alignment.pairs:
        left, right = ours.get(pair.queried, pair.queried), theirs.get(pair.listed, pair.listed)
        if pair.similarity == 1 and OSA.normalized_similarity(left, right) < SAME_WORD:
            yield left, right


def _numbers(name: TranslatedName) -> list[str]:
    return sorted(word for word in name.words if word[0].isdigit())


def same_meaning(left: str, right: str) -> float:
    """Likeness of words by meaning: general words mean the same or something else."""
    if left == right:
        return 1.0
    return 0.0 if left in WORDS and right in WORDS else word_similarity(left, right)


def _terms(words: Sequence[str]) -> set[str]:
    """What a name is looked up by: its words, and the sounds of those that are no general words."""
    sounds = {
        f"~{phonetic_skeleton(word)}" for word in words if word not in WORDS and len(word) > 3
    }
    return {*words, *sounds}


def short_word(name: TranslatedName) -> str | None:
    """The only distinctive word of a name when it may be an acronym."""
    telling = [word for word in name.words if word not in GENERIC and not word[0].isdigit()]
    if len(telling) != 1:
        return None
    word = telling[0]
    return (
        word if SHORTEST <= len(word) <= LONGEST and word.isalpha() and word not in WORDS else None
    )


def _frozen(lists: Mapping[str, list[int]]) -> Mapping[str, Positions]:
    return {term: np.array(positions, dtype=np.int32) for term, positions in lists.items()}
