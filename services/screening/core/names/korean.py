"""Romanises Hangul as Korean names are spelled on lists.

김정은 is kim jongun and 박영식 is pak yongsik. The spelling is McCune-Reischauer without
marks. Names from both Koreas are close to it.
"""

import re
from typing import Final

HANGUL: Final = re.compile(r"[\uac00-\ud7a3]+")
FIRST_SYLLABLE: Final = 0xAC00
VOWEL_COUNT: Final = 21
FINAL_COUNT: Final = 28

INITIALS: Final = (
    "k", "kk", "n", "t", "tt", "r", "m", "p", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p",
    "h",
)  # fmt: skip
VOWELS: Final = (
    "a", "ae", "ya", "yae", "o", "e", "yo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "u", "ui", "i",
)  # fmt: skip
FINALS: Final = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p",
    "t", "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip
VOICED: Final = {"k": "g", "t": "d", "p": "b"}
"""The sound of a plain consonant inside a word after a vowel, n, m, ng or l."""
VOICING_FINALS: Final = frozenset({"", "n", "l", "m", "ng"})
INITIAL_R_AND_N: Final = frozenset({INITIALS.index("r"), INITIALS.index("n")})
"""Positions of the initial consonants that the South leaves out."""
NO_INITIAL: Final = INITIALS.index("")
"""The position of no initial consonant."""
FAMILY_NAMES: Final = {"이": "ri", "임": "rim", "유": "ryu", "류": "ryu", "노": "ro", "림": "rim"}
"""Family names that are spelled differently from their syllable.

The North writes the r that the South leaves out.
"""
LENGTHS_WITH_FAMILY_NAME: Final = frozenset({1, 3, 4})
"""Lengths of runs that begin with a family name, or are one. Two syllables are usually a given
name.
"""


def romanise(run: str) -> str:
    """Returns a run of Hangul in Latin letters.

    A person's name becomes a family name and a given name, other text one word per syllable. A
    given name is one word, because its syllables apart would be shared by too many names.
    """
    syllables = [divmod(ord(char) - FIRST_SYLLABLE, FINAL_COUNT) for char in run]
    words: list[str] = []
    previous: str | None = None
    for position, (body, final) in enumerate(syllables):
        initial, vowel = INITIALS[body // VOWEL_COUNT], VOWELS[body % VOWEL_COUNT]
        # The given name is a word of its own: its first consonant is not voiced by the family name.
        if position != 1 and previous in VOICING_FINALS:
            initial = VOICED.get(initial, initial)
        words.append(initial + vowel + FINALS[final])
        previous = FINALS[final]
    if len(run) not in LENGTHS_WITH_FAMILY_NAME:
        return "".join(words) if len(run) == 2 else " ".join(words)
    return f"{FAMILY_NAMES.get(run[0], words[0])} {''.join(words[1:])}"


def without_initial_r_or_n(hangul: str) -> str:
    """Returns syllables without an initial r or n: 리 is 이.

    The South leaves these consonants out and the North writes them.
    """
    return "".join(_without_initial(syllable) for syllable in hangul)


def _without_initial(syllable: str) -> str:
    initial, rest = divmod(ord(syllable) - FIRST_SYLLABLE, VOWEL_COUNT * FINAL_COUNT)
    if initial not in INITIAL_R_AND_N:
        return syllable
    return chr(FIRST_SYLLABLE + NO_INITIAL * VOWEL_COUNT * FINAL_COUNT + rest)
