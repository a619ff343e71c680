"""Spoils names as people do: slips of the keyboard, spelling by ear, names in another order, initials.

Works on the name as published, with its own tables: nothing here is taken from the engine that is measured.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

NEIGHBOURS: Final[Mapping[str, str]] = {
    "a": "sqz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "xa",
}  # fmt: skip
BY_EAR: Final = (
    ("ou", "u"), ("ee", "i"), ("oo", "u"), ("kh", "h"), ("gh", "g"), ("ph", "f"), ("sh", "ch"), ("ch", "tch"),
    ("ck", "k"), ("dh", "d"), ("th", "t"), ("ts", "c"), ("ii", "y"), ("iy", "y"), ("ya", "ia"), ("yu", "iu"),
    ("ei", "ay"), ("ai", "ay"), ("aw", "au"), ("q", "k"), ("c", "k"), ("w", "v"), ("v", "w"), ("z", "s"), ("j", "dj"),
    ("y", "i"), ("i", "y"), ("e", "i"), ("u", "o"), ("o", "u"),
)  # fmt: skip


def slip(word: str, chance: random.Random) -> str:
    """One slip of the keyboard: a letter doubled, left out, swapped with the next, or its neighbour's."""
    at = chance.randrange(1, len(word)) if len(word) > 1 else 0
    match chance.randrange(4):
        case 0:
            return word[:at] + word[at - 1 : at] + word[at:]
        case 1 if len(word) > 3:
            return word[:at] + word[at + 1 :]
        case 2 if at + 1 < len(word):
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case _:
            wrong = chance.choice(NEIGHBOURS.get(word[at].lower(), "e"))
            return word[:at] + (wrong.upper() if word[at].isupper() else wrong) + word[at + 1 :]


def one_slip(name: str, chance: random.Random) -> str:
    """A slip in one of the longer words."""
    return _words(name, chance, chance.choice(_long(name)), slip)


def slips(name: str, chance: random.Random) -> str:
    """A slip in every word of four letters and more."""
    return " ".join(slip(word, chance) if len(word) > 3 else word for word in name.split())


def by_ear(name: str, chance: random.Random) -> str:
    """Two spellings changed into others that sound alike."""
    lowered = name.lower()
    known = [(old, new) for old, new in BY_EAR if old in lowered]
    for old, new in chance.sample(known, min(2, len(known))):
        lowered = lowered.replace(old, new, 1)
    return lowered


def _long(name: str) -> list[int]:
    words = name.split()
    long = [at for at, word in enumerate(words) if len(word) > 3]
    return long or [max(range(len(words)), key=lambda at: len(words[at]))]


def _words(name: str, chance: random.Random, at: int, change) -> str:  # noqa: ANN001 - a function of this module
    words = name.split()
    words[at] = change(words[at], chance)
    return " ".join(words)
