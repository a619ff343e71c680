"""Acronyms, the first letters of the words of a name, and blends, the beginnings of its words.

ZISCO is a blend of Zimbabwe Iron and Steel Company. All words are normalised.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final

from services.screening.core.names.stop_words import FUNCTION_WORDS, LEGAL_FORMS

MIN_ACRONYM: Final = 3
MAX_ACRONYM: Final = 8
MIN_BLEND: Final = 5
MAX_BLEND: Final = 9
LETTER_GROUPS: Final = ("shch", "ch", "kh", "sh", "zh", "ts", "ya", "ye", "yu")
"""Single letters of other alphabets that are written with several Latin ones. An acronym keeps them
whole.
"""


def acronyms(words: Sequence[str]) -> frozenset[str]:
    """Returns the acronyms of a name, with and without function words and legal forms."""
    alphabetic = [word for word in words if word.isalpha()]
    content = [word for word in alphabetic if word not in FUNCTION_WORDS]
    core = [word for word in content if word not in LEGAL_FORMS]
    found = ("".join(word[0] for word in chosen) for chosen in (core, content, alphabetic))
    return frozenset(letters for letters in found if MIN_ACRONYM <= len(letters) <= MAX_ACRONYM)


def is_acronym(word: str, words: Sequence[str]) -> bool:
    """Returns whether a word is made of the first letters of other words, in their order.

    ChVK is Chastnaya Voennaya Kompaniya. Function words are left out, legal forms may be.
    """
    return any(
        len(content) > 1 and _is_made_of(word, content, _first_letters)
        for content in content_words(words)
    )


def is_blend(word: str, words: Sequence[str]) -> bool:
    """Returns whether a word is made of the beginnings of three or more words, in their order."""
    return len(word) >= MIN_BLEND and any(
        len(content) > 2 and _is_made_of(word, content, _beginnings)
        for content in content_words(words)
    )


def acronyms_in_blend(word: str) -> Iterator[str]:
    """Yields the acronyms in a blend. Each has its first letter and some of the others."""
    if MIN_BLEND <= len(word) <= MAX_BLEND:
        for size in range(2, len(word) - 1):
            for rest in combinations(word[1:], size):
                yield word[0] + "".join(rest)


def content_words(words: Sequence[str]) -> tuple[list[str], ...]:
    """Returns the words that an acronym is made of, with and without legal forms.

    Function words are never part of it.
    """
    content = [word for word in words if word not in FUNCTION_WORDS and word.isalpha()]
    core = [word for word in content if word not in LEGAL_FORMS]
    return (content,) if core == content else (content, core)


def _first_letters(word: str) -> Iterable[str]:
    return (word[0], *(letters for letters in LETTER_GROUPS if word.startswith(letters)))


def _beginnings(word: str) -> Iterable[str]:
    return (word[:size] for size in range(1, len(word) + 1))


def _is_made_of(letters: str, words: Sequence[str], pieces: Callable[[str], Iterable[str]]) -> bool:
    """Returns whether letters are one piece of each word, in order."""
    if not words:
        return not letters
    return len(letters) >= len(words) and any(
        letters.startswith(piece) and _is_made_of(letters[len(piece) :], words[1:], pieces)
        for piece in pieces(words[0])
    )
