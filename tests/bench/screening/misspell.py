"""Alters names as people do: typing errors and spelling by ear.

Works on the published name with tables of its own. It uses nothing of the engine that is measured.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

NEIGHBOURS: Final[Mapping[str, str]] = {
    "a": "sqz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa",
    "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu",
    "z": "xa",
}  # fmt: skip
BY_EAR: Final = (
    ("ou", "u"), ("ee", "i"), ("oo", "u"), ("kh", "h"), ("gh", "g"), ("ph", "f"), ("sh", "ch"),
    ("ch", "tch"), ("ck", "k"), ("dh", "d"), ("th", "t"), ("ts", "c"), ("ii", "y"), ("iy", "y"),
    ("ya", "ia"), ("yu", "iu"), ("ei", "ay"), ("ai", "ay"), ("aw", "au"), ("q", "k"), ("c", "k"),
    ("w", "v"), ("v", "w"), ("z", "s"), ("j", "dj"), ("y", "i"), ("i", "y"), ("e", "i"), ("u", "o"),
    ("o", "u"),
)  # fmt: skip


def slip(word: str, rng: random.Random) -> str:
    """Returns a word with one typing error.

    A letter is doubled, omitted, swapped with the next or replaced by its neighbour on the
    keyboard.
    """
    at = rng.randrange(1, len(word)) if len(word) > 1 else 0
    match rng.randrange(4):
        case 0:
            return word[:at] + word[at - 1 : at] + word[at:]
        case 1 if len(word) > 3:
            return word[:at] + word[at + 1 :]
        case 2 if at + 1 < len(word):
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case _:
            wrong = rng.choice(NEIGHBOURS.get(word[at].lower(), "e"))
            return word[:at] + (wrong.upper() if word[at].isupper() else wrong) + word[at + 1 :]


def one_slip(name: str, rng: random.Random) -> str:
    """Returns a name with a typing error in one of the longer words."""
    return _with_error(name, rng, rng.choice(_long_words(name)))


def slips(name: str, rng: random.Random) -> str:
    """Returns a name with a typing error in every word of four letters or more."""
    return " ".join(slip(word, rng) if len(word) > 3 else word for word in name.split())


def by_ear(name: str, rng: random.Random) -> str:
    """Returns a name with two spellings replaced by others that sound alike."""
    lowered = name.lower()
    known = [(old, new) for old, new in BY_EAR if old in lowered]
    for old, new in rng.sample(known, min(2, len(known))):
        lowered = lowered.replace(old, new, 1)
    return lowered


def _long_words(name: str) -> list[int]:
    words = name.split()
    long = [at for at, word in enumerate(words) if len(word) > 3]
    return long or [max(range(len(words)), key=lambda at: len(words[at]))]


def _with_error(name: str, rng: random.Random, at: int) -> str:
    words = name.split()
    words[at] = slip(words[at], rng)
    return " ".join(words)
