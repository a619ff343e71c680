"""Acronyms.

The letters that begin the words of a name, and blends such as ZISCO (Zimbabwe Iron and Steel
Company).

Knows no list and no score. Words are in the folded form of `normalise`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final

from services.screening.core.names.words import FUNCTION_WORDS, LEGAL_FORMS

SHORTEST: Final = 3
LONGEST: Final = 8
SHORTEST_BLEND: Final = 5
LONGEST_BLEND: Final = 9
LETTER_GROUPS: Final = ("shch", "ch", "kh", "sh", "zh", "ts", "ya", "ye", "yu")
"""Single letters of other alphabets as Latin ones: an acronym keeps them whole."""


def acronyms(words: Sequence[str]) -> frozenset[str]:
    """The acronyms that a name of several words may have.

    Joining words and legal forms with or without a letter.
    """
    spoken = [word for word in words if word.isalpha()]
    content = [word for word in spoken if word not in FUNCTION_WORDS]
    core = [word for word in content if word not in LEGAL_FORMS]
    found = ("".join(word[0] for word in chosen) for chosen in (core, content, spoken))
    return frozenset(letters for letters in found if SHORTEST <= len(letters) <= LONGEST)


def is_acronym(word: str, words: Sequence[str]) -> bool:
    """Whether a word consists of the first sounds of others, in their order.

    ChVK is Chastnaya Voennaya Kompaniya.
    """
    return any(
        len(content) > 1 and _is_made_of(word, content, _first_sound)
        for content in _contents(words)
    )


def is_blend(word: str, words: Sequence[str]) -> bool:
    """Whether a word of some length consists of the beginnings of others, in their order, joining words left out."""
    return len(word) >= SHORTEST_BLEND and any(
        len(content) > 2 and _is_made_of(word, content, _beginnings) for content in _contents(words)
    )


def shortened(word: str) -> Iterator[str]:
    """The acronyms that may stand in a blend: its letters with some left out, but for the first."""
    if SHORTEST_BLEND <= len(word) <= LONGEST_BLEND:
        for size in range(2, len(word) - 1):
            for rest in combinations(word[1:], size):
                yield word[0] + "".join(rest)


def _contents(words: Sequence[str]) -> tuple[list[str], ...]:
    """The words that an acronym may be of: without joining words; without legal forms either."""
    content = [word for word in words if word not in FUNCTION_WORDS and word.isalpha()]
    core = [word for word in content if word not in LEGAL_FORMS]
    return (content,) if core == content else (content, core)


def _first_sound(word: str) -> Iterable[str]:
    return (word[0], *(sound for sound in LETTER_GROUPS if word.startswith(sound)))


def _beginnings(word: str) -> Iterable[str]:
    return (word[:size] for size in range(1, len(word) + 1))


def _is_made_of(letters: str, words: Sequence[str], pieces: Callable[[str], Iterable[str]]) -> bool:
    if not words:
        return not letters
    return len(letters) >= len(words) and any(
        letters.startswith(piece) and _is_made_of(letters[len(piece) :], words[1:], pieces)
        for piece in pieces(words[0])
    )
