"""How a party is found of whose name a listed organisation has a translation, an acronym or the long form.

The second channel (`channel`) turned round: what it knows of a listed name is looked for among the names of parties.
What is found may be kin, and nobody is left out who is; whether it is, and how much, the channel says.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import log
from typing import Final

from services.screening.core.names.acronyms import LETTER_GROUPS, acronyms, is_acronym, is_blend
from services.screening.core.names.normalisation import NormalisedName, phonetic_skeleton
from services.screening.core.names.translated_names import translate_name, translate_words
from services.screening.core.names.translation_match import (
    ACRONYM_SCORES,
    ALIKE,
    BLEND,
    LONG_ACRONYM,
    SAME_WORD,
    OrganisationName,
    same_meaning,
    short_word,
)
from services.screening.core.names.vocabulary import WORDS, english_meaning
from services.screening.core.names.words import FUNCTION_WORDS, GENERIC, LEGAL_FORMS

MOST_PIECED: Final = 5
"""A name of more words is taken to be shortened in one run of words only."""
LONGEST_BEGINNING: Final = 8
LONGEST: Final = 12
"""Words of a name that are looked at."""
MARGIN: Final = 0.05
"""The channel may say more of an acronym by so much, for what stands beside it."""
HIGHEST: Final = 1 - 1e-6
PIECE: Final = 2
"""Least words that a part of a name is shortened from."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a party's name its kin may be found by.

    short: its only distinctive word, which may be an acronym. acronyms: those it may have; pieces: those that parts of
    it may have. translated: the meanings of words that are written otherwise; meaning: of all words if there are such.
    """

    short: str
    acronyms: tuple[str, ...]
    pieces: tuple[str, ...]
    translated: tuple[str, ...]
    meaning: tuple[str, ...]


def traits(name: NormalisedName) -> Traits:
    """The traits of a name as it may be read."""
    asked = translate_name(name)
    translated = tuple(dict.fromkeys(_translated(asked.words, asked.written)))
    return Traits(
        short="" if name.is_non_latin else short_word(asked) or "",
        acronyms=() if name.is_non_latin else tuple(sorted(acronyms(name.words))),
        pieces=tuple(sorted(set(_pieces(name.words)))),
        translated=translated,
        meaning=asked.words if translated else (),
    )


@dataclass(frozen=True, slots=True)
class Sought:
    """What of a listed name parties are found by.

    key: all its words; words: what they mean; translated: of these, those that are written otherwise. short: its only
    distinctive word when it may be an acronym; acronyms: those it may have. whole: a pattern of all that consists of
    the beginnings of its words; part: the same of some of them, "" where that leaves none to agree.
    """

    key: tuple[str, ...]
    words: tuple[str, ...]
    translated: tuple[str, ...]
    short: str
    acronyms: tuple[str, ...]
    whole: str
    part: str

    @classmethod
    def of(cls, member: OrganisationName) -> "Sought":
        """Everything by which this listed name's kin are found."""
        name = translate_words(member.core)
        spoken = [word for word in member.key if word.isalpha()][:LONGEST]
        content = [word for word in spoken if word not in FUNCTION_WORDS]
        return cls(
            key=member.key,
            words=name.words,
            translated=tuple(dict.fromkeys(_translated(name.words, name.written))),
            short=short_word(name) or "",
            acronyms=tuple(sorted(acronyms(member.key))),
            whole=_made_of(spoken, FUNCTION_WORDS | LEGAL_FORMS) if len(spoken) > PIECE else "",
            part=_made_of(content, frozenset(content)) if len(content) > PIECE else "",
        )

    @property
    def sounds(self) -> tuple[str, ...]:
        """The sounds of its distinctive words."""
        found = (
            phonetic_skeleton(word) for word in self.words if word not in WORDS and len(word) > 3
        )
        return tuple(dict.fromkeys(sound for sound in found if sound))

    def may_mean(self, words: Sequence[str]) -> bool:
        """Whether a name of these words, given by meaning, may mean the same.

        A distinctive word agrees, or two of any kind.
        """
        agree = [
            (word, close) for word in self.words if (close := _closest(word, words)) >= SAME_WORD
        ]
        return len(agree) > 1 or any(
            close >= ALIKE and word not in WORDS and word not in GENERIC for word, close in agree
        )

    def may_be_short(self, written: Sequence[str], words: Sequence[str]) -> bool:
        """Whether a word of one name may be short for what the other one has instead, while others agree.

        Of a party's name all words as they are written, and those that mean something.
        """
        return _is_part(words, self.key) or _is_part(self.words, written)


def worth_of_acronym(letters: str) -> float:
    """The log-odds of the channel's score for an acronym, at most."""
    return _log_odds(ACRONYM_SCORES.get(len(letters), LONG_ACRONYM) + MARGIN)


def worth_of_blend() -> float:
    """The log-odds of the channel's score for a word made of beginnings, at most."""
    return _log_odds(BLEND + MARGIN)


def _log_odds(score: float) -> float:
    bounded = min(score, HIGHEST)
    return log(bounded / (1 - bounded))


def _translated(words: Sequence[str], written: Sequence[str]) -> Iterator[str]:
    return (meaning for meaning, word in zip(words, written, strict=True) if meaning != word)


def _closest(word: str, others: Iterable[str]) -> float:
    return max((same_meaning(other, word) for other in others), default=0.0)


def _is_part(short_words: Sequence[str], long_words: Sequence[str]) -> bool:
    """Whether a word of the first stands for all that the second has besides what agrees, and something does agree."""
    meanings = [english_meaning(word) or word for word in long_words]
    for at, word in enumerate(short_words):
        if not word.isalpha() or not _is_begun(word, long_words):
            continue
        others = [*short_words[:at], *short_words[at + 1 :]]
        agreeing = _paired(others, meanings)
        left = [each for place, each in enumerate(long_words) if place not in agreeing]
        if agreeing and (is_acronym(word, left) or is_blend(word, left)):
            return True
    return False


def _is_begun(letters: str, words: Sequence[str], made: int = 0) -> bool:
    """Whether letters consist of the beginnings of two words or more, in their order, whatever is left out."""
    if not letters:
        return made >= PIECE
    for at, word in enumerate(words):
        size = 0
        while size < len(word) and word[: size + 1] == letters[: size + 1]:
            size += 1
            if _is_begun(letters[size:], words[at + 1 :], made + 1):
                return True
            if size == len(letters):
                break
    return False


def _paired(words: Sequence[str], others: Sequence[str]) -> set[int]:
    """Places of the others that agree with one of the words each, the closest first."""
    close = sorted(
        (
            (-likeness, at, own)
            for own, word in enumerate(words)
            for at, other in enumerate(others)
            if (likeness := same_meaning(word, other)) >= SAME_WORD
        ),
    )
    taken: set[int] = set()
    used: set[int] = set()
    for _, at, own in close:
        if at not in taken and own not in used:
            taken.add(at)
            used.add(own)
    return taken


def _made_of(words: Sequence[str], left_out: AbstractSet[str]) -> str:
    """A pattern of what consists of the beginnings of words, some of which may be left out."""
    return "".join(f"({_begun(word)})?" if word in left_out else _begun(word) for word in words)


@lru_cache(maxsize=4_096)
def _begun(word: str) -> str:
    """A pattern of the beginnings of a word: its first letter and as many of the next as you like."""
    rest = ""
    for letter in reversed(word[1:LONGEST_BEGINNING]):
        rest = f"({letter}{rest})?"
    return word[0] + rest


def _pieces(words: Sequence[str]) -> Iterator[str]:
    """The acronyms of some words of a name, while others are left."""
    content = [word for word in words if word.isalpha() and word not in FUNCTION_WORDS]
    core = [word for word in content if word not in LEGAL_FORMS]
    for whole in (content,) if core == content else (content, core):
        for chosen in _parts(whole):
            yield "".join(word[0] for word in chosen)
            if any(word.startswith(LETTER_GROUPS) for word in chosen):
                yield "".join(_first_sound(word) for word in chosen)


def _parts(words: Sequence[str]) -> Iterable[Sequence[str]]:
    sizes = range(PIECE, len(words))
    if len(words) <= MOST_PIECED:
        return (chosen for size in sizes for chosen in combinations(words, size))
    return (words[at : at + size] for size in sizes for at in range(len(words) - size + 1))


def _first_sound(word: str) -> str:
    return next((sound for sound in LETTER_GROUPS if word.startswith(sound)), word[0])
