"""Romanises Burmese script by sound, as Burmese names are spelled in English.

မင်းအောင်လှိုင် is min aung hlaing. The official transliteration gives the letters (mang: aong
hluing), and no published name is written like that.
"""

import re
from collections.abc import Mapping
from typing import Final

BURMESE: Final = re.compile(r"[\u1000-\u109f\u200b]+")
TONES: Final = re.compile("[\u1037\u1038\u200b]")
FINALS_STACKED: Final = re.compile("\u103a?\u1039")
OPEN_TONE: Final = re.compile("(?<=[\u102b\u102c])\u103a")
HONORIFIC: Final = re.compile("^(?:\u1026|\u1025\u102e)\u1038(?=.)")
SYLLABLE: Final = re.compile(
    "(?P<initial>[\u1000-\u1021])(?P<medials>[\u103b-\u103e]*)(?P<vowel>[\u102b-\u1032\u1036]*)"
    "(?:(?P<final>[\u1000-\u1021])\u103a)?"
    "|(?P<alone>[\u1023-\u102a\u103f])"
)

INITIALS: Final[Mapping[str, str]] = dict(
    zip(
        "ကခဂဃငစဆဇဈဉညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဟဠအ",
        (
            "k", "kh", "g", "g", "ng", "s", "s", "z", "z", "ny", "ny", "t", "ht", "d", "d", "n",
            "t", "ht", "d", "d", "n", "p", "ph", "b", "b", "m", "y", "y", "l", "w", "th", "h", "l",
            "",
        ),
        strict=True,
    )
)  # fmt: skip
INDEPENDENT_VOWELS: Final[Mapping[str, str]] = {
    "ဣ": "i", "ဤ": "i", "ဥ": "u", "ဦ": "oo", "ဧ": "ay", "ဩ": "aw", "ဪ": "aw", "ဿ": "tha",
}  # fmt: skip
RHYMES: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "": "a", "a": "a", "i": "i", "u": "u", "e": "ay", "ai": "e", "ea": "aw", "iu": "oe",
        "M": "an", "uM": "on", "iM": "ein", "aM": "an",
    },
    "င": {"": "in", "ea": "aung", "iu": "aing"},
    "န": {"": "an", "i": "ein", "u": "on"},
    "မ": {"": "an", "i": "ein", "u": "on"},
    "က": {"": "et", "ea": "auk", "iu": "aik"},
    "တ": {"": "at", "i": "eik", "u": "ok"},
    "ပ": {"": "at", "i": "eik", "u": "ok"},
    "စ": {"": "it"},
    "ည": {"": "i"},
    "ဉ": {"": "in"},
    "ယ": {"": "e", "iu": "o"},
}  # fmt: skip
"""The rhyme of a vowel and a final consonant, by final consonant and vowel signs."""
RHYMES_AFTER_W: Final[Mapping[str, str]] = {"an": "un", "at": "ut"}
"""Rhymes that change after a w: ထွန်း is htun."""
VOWEL_SIGNS: Final = str.maketrans(
    {
        "\u102b": "a", "\u102c": "a", "\u102d": "i", "\u102e": "i", "\u102f": "u", "\u1030": "u",
        "\u1031": "e", "\u1032": "ai", "\u1036": "M",
    }
)  # fmt: skip
"""Vowel signs as the letters by which RHYMES knows them."""
MEDIAL_Y, MEDIAL_R, MEDIAL_W, MEDIAL_H = "\u103b", "\u103c", "\u103d", "\u103e"
PALATALISED: Final[Mapping[str, str]] = {
    "khy": "ch", "ngy": "ny", "hyy": "sh", "hy": "sh", "hly": "sh",
}  # fmt: skip
"""Initial consonants with medials that are spelled as one sound."""


def romanise(run: str) -> str:
    """Returns a run of Burmese letters in Latin letters, one word per syllable.

    The honorific U before a man's name is left out.
    """
    run = HONORIFIC.sub("", run)
    plain = OPEN_TONE.sub("", FINALS_STACKED.sub("\u103a", TONES.sub("", run)))
    return " ".join(_syllable(match) for match in SYLLABLE.finditer(plain))


def _syllable(found: re.Match[str]) -> str:
    if found["alone"]:
        return INDEPENDENT_VOWELS.get(found["alone"], "")
    medials = found["medials"]
    initial = INITIALS[found["initial"]]
    if MEDIAL_H in medials and initial[:1] in "lmnwy":
        initial = f"h{initial}"
    if MEDIAL_Y in medials or MEDIAL_R in medials:
        initial += "y"
    initial = PALATALISED.get(initial, initial)
    rhyme = _rhyme(found["vowel"].translate(VOWEL_SIGNS), found["final"] or "")
    if MEDIAL_W in medials:
        return initial + (RHYMES_AFTER_W.get(rhyme) or f"w{rhyme}")
    return initial + rhyme


def _rhyme(vowel: str, final: str) -> str:
    known = RHYMES.get(final)
    if known is not None and vowel in known:
        return known[vowel]
    open_vowel = RHYMES[""].get(vowel, vowel.lower())
    return open_vowel + INITIALS.get(final, "")
