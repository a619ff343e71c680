"""How similar two normalised words are, 0..1.

There is one function for each way of writing: letters, consonants only, syllables.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, LCSseq

from services.screening.core.names.given_names import GIVEN_NAME_GROUPS
from services.screening.core.names.normalisation import other_pronunciation, phonetic_skeleton
from services.screening.core.names.vocabulary import CONCEPTS

SAME_SOUND: Final = 0.88
"""Similarity of two words that differ but have the same phonetic skeleton (Yusuf, Yousef)."""
SAME_MEANING: Final = 0.9
"""Similarity of two words of one meaning (Sanat, Industries) or of one given name (Larry,
Lawrence).
"""
INITIAL: Final = 0.6
"""Similarity of an initial and a word that begins with it."""
MIN_SIMILARITY: Final = 0.6
"""Words less similar than this are different words: similarity 0."""
MIN_LETTERS: Final = 0.4
"""Words whose letters agree less than this are different words even if their skeletons agree."""
UNVOWELLED: Final = 0.94
"""Similarity of a word written without vowels and a word that it can be read as."""
MIN_UNVOWELLED: Final = 0.68
"""An unvowelled word can be read as another word from this similarity on."""
UNWRITTEN_START: Final = 0.2
"""Subtracted if the word begins with a vowel that is not written. Scripts without short vowels do
write that one.
"""
UNHEARD_H: Final = 0.2
"""Subtracted for each written h that the word does not have."""
LONG_VOWELS: Final = "awy"
SHORT_SYLLABLES: Final = 5
"""Words of syllabic scripts up to this length are compared by sound only."""
SAME_SYLLABLE_SKELETON: Final = 0.75
"""Similarity of short words of syllabic scripts that have the same phonetic skeleton."""

MEANING: Final[Mapping[str, int]] = {
    word: group
    for group, line in enumerate((*CONCEPTS, *GIVEN_NAME_GROUPS))
    for word in line.split()
    if word[-1] != "*"
}
"""Words to the number of their meaning. A stem (with a star) has no entry."""


def word_similarity(left: str, right: str) -> float:
    """Returns how similar two words are, 0 for different words."""
    if left == right:
        return 1.0
    if len(left) == 1 or len(right) == 1:
        return INITIAL if left[0] == right[0] and left.isalpha() and right.isalpha() else 0.0
    if left.isdigit() or right.isdigit():
        return 0.0
    if (meaning := MEANING.get(left)) is not None and meaning == MEANING.get(right):
        return SAME_MEANING
    letters = OSA.normalized_similarity(left, right, score_cutoff=MIN_LETTERS)
    return _by_letters(left, right, letters)


def word_similarities(
    word: str, others: Sequence[str], letters: NDArray[np.float64]
) -> Iterator[tuple[int, float]]:
    """Yields the position of each other word that is similar, with its similarity.

    Equals `word_similarity` of each.

    letters: the similarity of letters with each other word, 0 below MIN_LETTERS. The caller
    computes it for many words at once.
    """
    meaning = MEANING.get(word)
    if len(word) == 1 or word.isdigit() or meaning is not None:
        for at, other in enumerate(others):
            is_possible = (
                len(word) == 1
                or letters[at]
                or (meaning is not None and MEANING.get(other) == meaning)
            )
            if is_possible and (value := word_similarity(word, other)):
                yield at, value
        return
    found = np.flatnonzero(letters)
    for at, share in zip(found.tolist(), letters[found].tolist(), strict=True):
        if value := _by_letters(word, others[at], share):
            yield at, value


def unvowelled_similarity(written: str, word: str) -> float:
    """Returns how well a word written without short vowels can be read as another word.

    The phonetic skeletons must agree. The long vowels that are written must occur in the word, in
    order.
    """
    other = other_pronunciation(written)
    if other == written:
        return _read_as(written, word)
    return max(_read_as(written, word), _read_as(other, word))


def syllable_similarity(written: str, word: str) -> float:
    """Returns the similarity of two words of a syllabic script.

    In short words one different letter is another syllable, so only equal words and equal skeletons
    count.
    """
    if written == word:
        return 1.0
    if min(len(written), len(word)) > SHORT_SYLLABLES:
        return word_similarity(written, word)
    skeleton = phonetic_skeleton(written)
    is_same = len(skeleton) > 1 and skeleton == phonetic_skeleton(word)
    return SAME_SYLLABLE_SKELETON if is_same else 0.0


def _by_letters(left: str, right: str, letters: float) -> float:
    """Returns the similarity of two words from the similarity of their letters."""
    if 0.0 < letters < SAME_SOUND:
        skeleton = phonetic_skeleton(left)
        if len(skeleton) > 1 and skeleton == phonetic_skeleton(right):
            return SAME_SOUND
    return letters if letters >= MIN_SIMILARITY else 0.0


def _read_as(written: str, word: str) -> float:
    skeleton = phonetic_skeleton(written)
    if not skeleton or skeleton != phonetic_skeleton(word):
        return word_similarity(written, word)
    frame, other = _vowel_frame(written), _vowel_frame(word)
    heard = LCSseq.similarity(frame, other) / len(frame)
    starts_unwritten = other[0] in LONG_VOWELS and frame[0] not in LONG_VOWELS
    unwritten = UNWRITTEN_START if starts_unwritten else 0.0
    unheard = UNHEARD_H * max(frame.count("h") - other.count("h"), 0)
    similarity = UNVOWELLED * (heard - unwritten - unheard)
    return similarity if similarity >= MIN_UNVOWELLED else word_similarity(written, word)


@lru_cache(maxsize=65_536)
def _vowel_frame(word: str) -> str:
    """Returns a word with its vowels reduced to the three that consonant scripts write: a, w, y."""
    reduced = re.sub(r"[ou]", "w", re.sub(r"[ei]", "y", word))
    return re.sub(r"([awy])\1+", r"\1", reduced)
