"""Hangul by sound, as Korean names are spelled on lists: 김정은 is kim jongun, 박영식 is pak yongsik.

The spelling is that of McCune and Reischauer without marks, which both Koreas are near to in names.
"""

import re
from typing import Final

HANGUL: Final = re.compile(r"[\uac00-\ud7a3]+")
FIRST: Final = 0xAC00
VOWELS: Final = 21
CODAS: Final = 28

HEADS: Final = (
    "k",
    "kk",
    "n",
    "t",
    "tt",
    "r",
    "m",
    "p",
    "pp",
    "s",
    "ss",
    "",
    "j",
    "jj",
    "ch",
    "k",
    "t",
    "p",
    "h",
)
NUCLEI: Final = (
    "a", "ae", "ya", "yae", "o", "e", "yo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu", "u",
    "ui", "i",
)  # fmt: skip
ENDS: Final = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t", "t", "ng", "t",
    "t", "k", "t", "p", "t",
)  # fmt: skip
VOICED: Final = {"k": "g", "t": "d", "p": "b"}
"""How a plain consonant sounds after a vowel, n, m, ng or l, within a word."""
VOICING: Final = frozenset({"", "n", "l", "m", "ng"})
SOFT: Final = frozenset({HEADS.index("r"), HEADS.index("n")})
SILENT: Final = HEADS.index("")
"""First consonants that are left out in the South, and the place of none."""
FAMILIES: Final = {"이": "ri", "임": "rim", "유": "ryu", "류": "ryu", "노": "ro", "림": "rim"}
"""Family names that are spelled otherwise than the syllable; the North writes the r that the South
leaves out.
"""
FAMILY_FIRST: Final = frozenset({1, 3, 4})
"""Lengths of runs that begin with a family name, or are one; two syllables are a given name as a
rule.
"""


def romanise(run: str) -> str:
    """A run of Hangul in Latin letters.

    A person's family name and given name; else a syllable a word.

    A given name is one word: its two syllables apart would be shared by too many.
    """
    syllables = [divmod(ord(char) - FIRST, CODAS) for char in run]
    words: list[str] = []
    before: str | None = None
    for place, (body, coda) in enumerate(syllables):
        head, nucleus = HEADS[body // VOWELS], NUCLEI[body % VOWELS]
        # The given name is a word of its own: its first consonant is not voiced by the family name.
        if place != 1 and before in VOICING:
            head = VOICED.get(head, head)
        words.append(head + nucleus + ENDS[coda])
        before = ENDS[coda]
    if len(run) not in FAMILY_FIRST:
        return "".join(words) if len(run) == 2 else " ".join(words)
    return f"{FAMILIES.get(run[0], words[0])} {''.join(words[1:])}"


def without_initial_r_or_n(hangul: str) -> str:
    """Syllables without a first r or n, which the South leaves out where the North writes them.

    리 is 이.
    """
    return "".join(_softened(syllable) for syllable in hangul)


def _softened(syllable: str) -> str:
    head, rest = divmod(ord(syllable) - FIRST, VOWELS * CODAS)
    return chr(FIRST + SILENT * VOWELS * CODAS + rest) if head in SOFT else syllable
