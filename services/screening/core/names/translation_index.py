"""Finds listed organisations by translated names and acronyms."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any, Final

import numpy as np

from services.screening.core.names.acronyms import acronyms, acronyms_in_blend, is_blend
from services.screening.core.names.normalisation import NormalisedName, phonetic_skeleton
from services.screening.core.names.token_alignment import Aligner
from services.screening.core.names.translated_names import (
    TranslatedName,
    translate_name,
    translate_words,
)
from services.screening.core.names.translation_match import (
    BLEND_SCORE,
    MatchBasis,
    OrganisationForms,
    TranslationMatch,
    acronym_score,
    match_by_meaning,
    meaning_similarity,
    possible_acronym,
    same_numbers,
)
from services.screening.core.names.word_meaning import MEANINGS
from services.screening.core.names.word_weights import WordWeights

MAX_NAMES_OF_TERM: Final = 3_000
"""A term of more names retrieves no candidate."""
MAX_COMPARED: Final = 12
"""Candidates that are compared by meaning."""
MIN_SHARED_TERMS: Final = 0.3
"""Share of the queried terms, by rarity, that a candidate must have."""
MAX_NAMES_OF_ACRONYM: Final = 40
"""An acronym of more names identifies none of them."""

Positions = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class OrganisationName:
    """A listed name that an organisation may bear.

    row: its row in the list index. entry: the position of the first entry that bears it. key: all
    its words. core: its core words.
    """

    row: int
    entry: int
    key: tuple[str, ...]
    core: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TranslationIndex:
    """Names of organisations by the meaning of their words and by their acronyms. It never changes.

    Positions are positions in `names` and `translated`. by_acronym: acronyms that a name may have.
    by_short_word: names whose only distinctive word may be an acronym. statistics: the index whose
    names say how common an acronym is, None for this one.
    """

    names: tuple[OrganisationName, ...]
    translated: tuple[TranslatedName, ...]
    weights: WordWeights
    by_term: Mapping[str, Positions]
    by_acronym: Mapping[str, Positions]
    by_short_word: Mapping[str, Positions]
    statistics: "TranslationIndex | None" = None

    @classmethod
    def build(cls, names: Sequence[OrganisationName]) -> "TranslationIndex":
        """Returns the index of these names."""
        translated = tuple(translate_words(name.core) for name in names)
        by_term: dict[str, list[int]] = defaultdict(list)
        by_acronym: dict[str, list[int]] = defaultdict(list)
        by_short_word: dict[str, list[int]] = defaultdict(list)
        for position, (name, meaning) in enumerate(zip(names, translated, strict=True)):
            for term in _terms(meaning.words):
                by_term[term].append(position)
            for letters in acronyms(name.key):
                by_acronym[letters].append(position)
            if (short := possible_acronym(meaning)) is not None:
                by_short_word[short].append(position)
        return cls(
            tuple(names),
            translated,
            WordWeights(meaning.words for meaning in translated),
            _frozen(by_term),
            _frozen(by_acronym),
            _frozen(by_short_word),
        )

    def with_statistics_of(self, larger: "TranslationIndex") -> "TranslationIndex":
        """Returns an index of the same names that scores as a larger one.

        The larger index must have these names too.
        """
        return replace(self, weights=larger.weights, statistics=larger)

    def find(self, name: NormalisedName) -> tuple[TranslationMatch, ...]:
        """Returns the listed names that match a queried name, best first, one match a row."""
        meaning = translate_name(name)
        best: dict[int, TranslationMatch] = {}
        for match in (*self._by_acronym(name, meaning), *self._by_meaning(name, meaning)):
            if (known := best.get(match.row)) is None or match.score > known.score:
                best[match.row] = match
        return tuple(sorted(best.values(), key=lambda match: (-match.score, match.row)))

    def _by_acronym(
        self, name: NormalisedName, meaning: TranslatedName
    ) -> Iterable[TranslationMatch]:
        if name.is_non_latin:
            return
        if (short := possible_acronym(meaning)) is not None:
            is_whole = len(meaning.words) == 1
            yield from self._with_acronym(
                lambda index: index.by_acronym, short, meaning, is_whole_name=is_whole
            )
            yield from self._with_blend(short, meaning)
        for letters in acronyms(name.words):
            yield from self._with_acronym(
                lambda index: index.by_short_word, letters, meaning, name.key
            )

    def _with_acronym(
        self,
        table: Callable[["TranslationIndex"], Mapping[str, Positions]],
        letters: str,
        meaning: TranslatedName,
        long_form: str = "",
        *,
        is_whole_name: bool = False,
    ) -> Iterable[TranslationMatch]:
        """Yields the names that a table has under an acronym.

        long_form: the words that the acronym stands for; if empty, they are those of the listed
        name.
        """
        statistics = self.statistics or self
        everywhere = table(statistics).get(letters, ())
        if len(everywhere) > MAX_NAMES_OF_ACRONYM:
            return
        parties = len({statistics.names[position].entry for position in everywhere})
        score = acronym_score(letters, parties, is_whole_name=is_whole_name)
        for position in table(self).get(letters, ()):
            if same_numbers(meaning, self.translated[position]):
                listed = self.names[position]
                recognised = ((letters, long_form or " ".join(listed.key)),)
                yield TranslationMatch(listed.row, score, MatchBasis.ACRONYM, recognised)

    def _with_blend(self, word: str, meaning: TranslatedName) -> Iterable[TranslationMatch]:
        positions = {
            int(at)
            for letters in set(acronyms_in_blend(word))
            for at in self.by_acronym.get(letters, ())
        }
        for position in positions:
            listed = self.names[position]
            if is_blend(word, listed.key) and same_numbers(meaning, self.translated[position]):
                recognised = ((word, " ".join(listed.key)),)
                yield TranslationMatch(listed.row, BLEND_SCORE, MatchBasis.ACRONYM, recognised)

    def _by_meaning(
        self, name: NormalisedName, meaning: TranslatedName
    ) -> Iterable[TranslationMatch]:
        if not meaning.words:
            return
        aligner = Aligner(meaning.words, self.weights, meaning_similarity)
        queried = OrganisationForms(name.words, meaning)
        for position in self._candidates(meaning):
            translated, listed = self.translated[position], self.names[position]
            if same_numbers(meaning, translated):
                forms = OrganisationForms(listed.key, translated)
                alignment = aligner.align(translated.words)
                match = match_by_meaning(listed.row, queried, forms, alignment, self.weights)
                if match is not None:
                    yield match

    def _candidates(self, meaning: TranslatedName) -> list[int]:
        """Returns the positions of the names that share most terms, weighted by rarity."""
        found, weights, total = [], [], 0.0
        for term in _terms(meaning.words):
            positions = self.by_term.get(term)
            rarity = log(len(self.names) / len(positions)) if positions is not None else 0.0
            total += rarity
            if positions is not None and len(positions) <= MAX_NAMES_OF_TERM:
                found.append(positions)
                weights.append(np.full(len(positions), rarity))
        if not found:
            return []
        sums = np.bincount(np.concatenate(found), weights=np.concatenate(weights))
        likely = np.flatnonzero(sums >= MIN_SHARED_TERMS * total)
        if len(likely) > MAX_COMPARED:
            likely = likely[np.argpartition(-sums[likely], MAX_COMPARED)[:MAX_COMPARED]]
        best: list[int] = likely.tolist()
        return best


def _terms(words: Sequence[str]) -> set[str]:
    """Returns the words of a name and the phonetic skeletons of distinctive ones."""
    skeletons = {
        f"~{phonetic_skeleton(word)}" for word in words if word not in MEANINGS and len(word) > 3
    }
    return {*words, *skeletons}


def _frozen(lists: Mapping[str, list[int]]) -> Mapping[str, Positions]:
    return {term: np.array(positions, dtype=np.int32) for term, positions in lists.items()}
