"""Translations in the reverse direction, from a listed name to the names of parties.

The index of translations (`names.translation_index`) finds listed names by a queried name. Here a
listed name is the query, and the names of parties are indexed. Every party that a full screening
would match must be found. Parties that it would not match may be found too, because `search`
screens all candidates.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from services.screening.core.names.acronyms import acronyms
from services.screening.core.names.normalisation import NormalisedName, phonetic_skeleton
from services.screening.core.names.stop_words import FUNCTION_WORDS, GENERIC, LEGAL_FORMS
from services.screening.core.names.translated_names import translate_name, translate_words
from services.screening.core.names.translation_index import OrganisationName
from services.screening.core.names.translation_match import (
    ACRONYM_SCORES,
    AGREEING,
    BLEND_SCORE,
    LONG_ACRONYM_SCORE,
    SAME_SPELLING,
    meaning_similarity,
    possible_acronym,
)
from services.screening.core.names.word_meaning import MEANINGS
from services.screening.core.reverse_lookup.acronyms import (
    MIN_ABBREVIATED,
    abbreviates_part,
    beginnings_pattern,
    part_acronyms,
)

MAX_WORDS: Final = 12
"""Words of a name that may be abbreviated; further words are ignored."""
MARGIN: Final = 0.05
"""A screening may score an acronym higher than its length says by this much."""
HIGHEST: Final = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class TranslationTerms:
    """The terms of a party's name in the index, by which its translations and acronyms are found.

    possible_acronym: its only distinctive word, or "". acronyms: those of the whole name.
    part_acronyms: those of some of its words. translated_words: the meanings of words that are
    written differently. meaning: the meanings of all words if some are, else empty.
    """

    possible_acronym: str
    acronyms: tuple[str, ...]
    part_acronyms: tuple[str, ...]
    translated_words: tuple[str, ...]
    meaning: tuple[str, ...]


def translation_terms(name: NormalisedName) -> TranslationTerms:
    """Returns the translation terms of a party's name."""
    meaning = translate_name(name)
    translated = tuple(dict.fromkeys(_translated(meaning.words, meaning.written)))
    return TranslationTerms(
        possible_acronym="" if name.is_non_latin else possible_acronym(meaning) or "",
        acronyms=() if name.is_non_latin else tuple(sorted(acronyms(name.words))),
        part_acronyms=tuple(sorted(set(part_acronyms(name.words)))),
        translated_words=translated,
        meaning=meaning.words if translated else (),
    )


@dataclass(frozen=True, slots=True)
class TranslationQuery:
    """The terms that parties are searched by, given the name of a listed organisation.

    key: all its words. words: their meanings. translated_words: the meanings that are written
    differently. possible_acronym and acronyms: as in `TranslationTerms`. whole_pattern: a regular
    expression for what is made of the beginnings of its words. part_pattern: the same of some of
    its words, "" if no word would be left to agree.
    """

    key: tuple[str, ...]
    words: tuple[str, ...]
    translated_words: tuple[str, ...]
    possible_acronym: str
    acronyms: tuple[str, ...]
    whole_pattern: str
    part_pattern: str

    @classmethod
    def of(cls, name: OrganisationName) -> "TranslationQuery":
        """Returns the query for a listed name."""
        meaning = translate_words(name.core)
        alphabetic = [word for word in name.key if word.isalpha()][:MAX_WORDS]
        content = [word for word in alphabetic if word not in FUNCTION_WORDS]
        has_whole, has_part = len(alphabetic) > MIN_ABBREVIATED, len(content) > MIN_ABBREVIATED
        optional = FUNCTION_WORDS | LEGAL_FORMS
        return cls(
            key=name.key,
            words=meaning.words,
            translated_words=tuple(dict.fromkeys(_translated(meaning.words, meaning.written))),
            possible_acronym=possible_acronym(meaning) or "",
            acronyms=tuple(sorted(acronyms(name.key))),
            whole_pattern=beginnings_pattern(alphabetic, optional) if has_whole else "",
            part_pattern=beginnings_pattern(content, frozenset(content)) if has_part else "",
        )

    @property
    def skeletons(self) -> tuple[str, ...]:
        """The phonetic skeletons of its distinctive words."""
        found = (
            phonetic_skeleton(word) for word in self.words if word not in MEANINGS and len(word) > 3
        )
        return tuple(dict.fromkeys(skeleton for skeleton in found if skeleton))

    def may_translate(self, words: Sequence[str]) -> bool:
        """Returns whether a party's name, given by the meanings of its words, may mean the same.

        One distinctive word must agree, or two words of any kind.
        """
        agreeing = [
            (word, similarity)
            for word in self.words
            if (similarity := _highest_similarity(word, words)) >= SAME_SPELLING
        ]
        return len(agreeing) > 1 or any(
            similarity >= AGREEING and word not in MEANINGS and word not in GENERIC
            for word, similarity in agreeing
        )

    def may_abbreviate_part(self, written: Sequence[str], meaning: Sequence[str]) -> bool:
        """Returns whether a word of one name may abbreviate words of the other.

        At least one other word must agree. written: all words of the party's name. meaning: their
        meanings.
        """
        return abbreviates_part(meaning, self.key) or abbreviates_part(self.words, written)


def max_acronym_log_odds(letters: str) -> float:
    """Returns the highest log-odds that a screening gives an acronym."""
    return _log_odds(ACRONYM_SCORES.get(len(letters), LONG_ACRONYM_SCORE) + MARGIN)


def max_blend_log_odds() -> float:
    """Returns the highest log-odds that a screening gives a blend."""
    return _log_odds(BLEND_SCORE + MARGIN)


def _log_odds(score: float) -> float:
    bounded = min(score, HIGHEST)
    return log(bounded / (1 - bounded))


def _translated(words: Sequence[str], written: Sequence[str]) -> Iterator[str]:
    """Yields the meanings of the words that are written differently."""
    return (meaning for meaning, word in zip(words, written, strict=True) if meaning != word)


def _highest_similarity(word: str, others: Iterable[str]) -> float:
    return max((meaning_similarity(other, word) for other in others), default=0.0)
