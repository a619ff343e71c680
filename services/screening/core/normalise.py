"""Turns a written name into the forms that can be compared: folded Latin words, keys, sound skeletons, flags.

Knows writing systems. Knows no list, party or score. Every function is pure and gives the same answer for the same
text.
"""

# ruff: noqa: RUF001, RUF003  letters that look alike are what this module is about

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import icu
from rigour.names import remove_org_types

from services.screening.core.model import Flag
from services.screening.core.words import GENERIC, HONORIFICS, LEGAL_FORMS, MEANINGS, PARTICLES, WORD_MEANINGS

LATIN: Final = icu.Transliterator.createInstance("Any-Latin; Latin-ASCII; Lower")

# ICU follows scholarly standards (х = h, ц = c); passports and sanctions lists write the sound for English readers.
CYRILLIC: Final = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "y",
        "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
        "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu",
        "я": "ya", "і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ў": "u", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c",
        "ђ": "dj", "џ": "dz", "қ": "q", "ғ": "gh", "ү": "u", "ұ": "u", "ө": "o", "ң": "ng", "ә": "a", "һ": "h",
    }
)  # fmt: skip
# Letters of Arabic, Persian, Urdu and Hebrew that ICU drops or marks, as English readers write them.
CONSONANTS: Final = str.maketrans(
    {
        "ع": "ا",
        "ة": "ا",
        "ء": "",
        "ئ": "ي",
        "ؤ": "و",
        "ی": "ي",
        "ک": "ك",
        "ہ": "ه",
        "ھ": "ه",
        "ۀ": "ه",
        "א": "a",
        "ע": "a",
        # Heard as d, th or z from one country to the next; `heard_otherwise` gives the other sound.
        "ض": "dh",
        "ظ": "dh",
        "ذ": "dh",
    }
)
# Letters of other alphabets that look like Latin ones, for words in which alphabets are mixed.
LOOKALIKES: Final = str.maketrans("аеорсухікмнтвгјѕԁԛԝαοενρτυιχκ", "aeopcyxikmhtbrjsdqwaoevptuixk")
ALEFS: Final = str.maketrans("أإآىیک", "ااايي" + "ك")
HAN: Final = re.compile(r"[㐀-鿿豈-﫿]")
CONSONANTAL: Final = re.compile(r"[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f]")
"""Letters of scripts that leave short vowels out: Hebrew, Arabic."""
SYLLABIC: Final = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
SERVANT_OF: Final = re.compile(r"(?<!\w)(عبد)\s*ال(?!له)(?=\w{2,})")
AND_THE: Final = re.compile(r"(?<!\w)وال(?=\w{4,})")
ARABIC_WORD: Final = re.compile(r"(?<!\w)(?:و?ال|لل)?(\w{2,})")
ARABIC_ARTICLE: Final = re.compile(r"(?<![\w])ال(?=\w{3,})")
APOSTROPHES: Final = re.compile(r"['’‘`´ʹʼʻʿʾ‛′ˈ\"“”]")
DOTTED_INITIALS: Final = re.compile(r"(?<=\b\w)\.(?=\w\b)")
SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
DIGIT_RUN: Final = re.compile(r"\d+")
INVISIBLE: Final = frozenset({"Cf", "Cc", "Co", "Cn"})
# Joiners that belong to the spelling of Persian and Indic words.
JOINERS: Final = frozenset("\u200c\u200d\n\r\t")


@dataclass(frozen=True, slots=True)
class Folded:
    """A name made comparable. key: its words, lower case Latin letters and digits, one space apart.

    is_foreign: written in another script, at least partly. is_unvowelled: in one that leaves vowels out;
    is_syllabic: in one whose syllables are heard alike in many words (Chinese, Japanese, Korean).
    """

    raw: str
    key: str
    words: tuple[str, ...]
    flags: tuple[Flag, ...]
    is_foreign: bool
    is_unvowelled: bool = False
    is_syllabic: bool = False

    @property
    def sorted_key(self) -> str:
        """The words in alphabetical order: equal for two orders of one person's names."""
        return " ".join(sorted(self.words))

    @property
    def joined(self) -> str:
        """The words without spaces, for names that differ in where words are divided."""
        return "".join(self.words)


def fold(text: str) -> Folded:
    """The comparable form of a name in any script. Folding a key again changes nothing.

    Compatibility forms, accents, case, punctuation and invisible characters go; other scripts are written in Latin
    letters; business words of Chinese, Arabic and Persian are given by their meaning.
    """
    visible, flags = _visible(unicodedata.normalize("NFKC", text))
    lowered = visible.casefold()
    is_foreign = False
    if not lowered.isascii():
        lowered, mixed = _unmixed(lowered)
        flags = (*flags, Flag.MIXED_SCRIPT) if mixed else flags
        is_foreign = any(ord(char) > 0x36F and char.isalpha() and not _is_latin(char) for char in lowered)
        lowered = _latin(lowered)
    plain = DOTTED_INITIALS.sub("", APOSTROPHES.sub("", lowered.replace("&", " and ")))
    words = tuple(SEPARATORS.sub(" ", plain).split())
    return Folded(
        text, " ".join(words), words, flags, is_foreign, bool(CONSONANTAL.search(text)), bool(SYLLABIC.search(text))
    )


def _visible(text: str) -> tuple[str, tuple[Flag, ...]]:
    if text.isascii() and text.isprintable():
        return text, ()
    kept = [char for char in text if unicodedata.category(char) not in INVISIBLE or char in JOINERS]
    cleaned = "".join(" " if char in JOINERS else char for char in kept)
    hidden = len(kept) != len(text)
    return cleaned, (Flag.INVISIBLE_CHARACTERS,) if hidden else ()


@lru_cache(maxsize=4096)
def _alphabet(char: str) -> str:
    return unicodedata.name(char, "?").split()[0]


def _is_latin(char: str) -> bool:
    return _alphabet(char) == "LATIN"


def _unmixed(text: str) -> tuple[str, bool]:
    """Words that mix Latin with Cyrillic or Greek letters, written in the Latin letters they imitate."""
    found = False
    words: list[str] = []
    for word in text.split(" "):
        alphabets = {_alphabet(char) for char in word if char.isalpha()}
        if "LATIN" in alphabets and alphabets & {"CYRILLIC", "GREEK"}:
            found = True
            words.append(word.translate(LOOKALIKES))
        else:
            words.append(word)
    return " ".join(words), found


def _latin(text: str) -> str:
    for foreign, meaning in MEANINGS:
        if foreign in text:
            text = text.replace(foreign, f" {meaning} ")
    if CONSONANTAL.search(text):
        text = ARABIC_WORD.sub(_by_meaning, text)
        text = AND_THE.sub("و ال", text)
    text = ARABIC_ARTICLE.sub("ال ", SERVANT_OF.sub(r"\1ال ", text))
    text = re.sub(r"[㐀-鿿豈-﫿]+", lambda run: f" {_pinyin(run[0])} ", text)
    return str(LATIN.transliterate(text.translate(CYRILLIC).translate(CONSONANTS)))


def _by_meaning(word: re.Match[str]) -> str:
    return WORD_MEANINGS.get(word[1].translate(ALEFS), word[0])


def _pinyin(characters: str) -> str:
    """Chinese characters by sound; a personal name of two to four characters as family name and given name."""
    syllables = [str(LATIN.transliterate(char)).strip() for char in characters]
    if 2 <= len(syllables) <= 4:
        return f"{syllables[0]} {''.join(syllables[1:])}"
    return " ".join(syllables)


def core_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that are not part of a legal form."""
    stripped = remove_org_types(" ".join(words), replacement=" ").split()
    return tuple(word for word in stripped if word not in LEGAL_FORMS)


SERVANT: Final = re.compile(r"^abd(?:[aeiou](?:l(?!lah?$)|([rnszdt])(?=\1)))?(\w{3,})?$")
OF_GOD: Final = re.compile(r"^(\w{3,}?)[aeiou]l+ah$")
OF_FAITH: Final = re.compile(r"^(\w{2,}?)[aeiou]l?d+[iy]ne?$")
SERVANTS_OF_GOD: Final = frozenset({"abdullah", "abdallah", "abdulla", "abdalla", "abdollah", "abdellah"})


@lru_cache(maxsize=65_536)
def _apart(word: str) -> tuple[str, ...]:
    if word in SERVANTS_OF_GOD:
        return ("abd", "allah")
    if (servant := SERVANT.match(word)) and (servant[2] is None or len(word) > len(servant[2]) + 3):
        return ("abd", *_apart(servant[2])) if servant[2] else ("abd",)
    if of_god := OF_GOD.match(word):
        return (of_god[1], "allah")
    return (of_faith[1], "din") if (of_faith := OF_FAITH.match(word)) else (word,)


def name_words(words: tuple[str, ...], *, is_person: bool) -> tuple[str, ...]:
    """The words that two names are compared by: compounds apart, and but for a person without legal forms.

    Arabic names of several words are written as one or as several at will: Abdelkader is Abd al-Kader, Nurullah is
    Nur Allah, Noureddine is Nour ad-Din. Persons are called Saad and Sal: in their names these are no legal forms.
    """
    kept = words if is_person else core_words(words) or words
    return tuple(part for word in kept for part in _apart(word))


def heard_otherwise(word: str) -> str:
    """A word of Arabic letters as Persians, Afghans and Pakistanis say it: Dhakir is Zakir, Thana is Sana."""
    return word.replace("dh", "z").replace("th", "s")


def is_light(word: str) -> bool:
    """Whether a word cannot carry a match: a legal form, a generic word, a particle or a title."""
    return word in LEGAL_FORMS or word in GENERIC or word in PARTICLES or word in HONORIFICS


def numbers(words: tuple[str, ...]) -> frozenset[str]:
    """The numbers in a name, without leading zeros: they tell one plant, institute or fund from the next."""
    return frozenset(run.lstrip("0") or "0" for word in words for run in DIGIT_RUN.findall(word))


SOUNDS: Final = (
    ("sch", "s"), ("tch", "j"), ("tsch", "j"), ("dzh", "j"), ("kh", "k"), ("gh", "k"), ("ch", "j"), ("sh", "s"),
    ("zh", "j"), ("th", "t"), ("dh", "t"), ("ph", "f"), ("ts", "s"), ("tz", "s"), ("dj", "j"), ("dz", "s"),
    ("ck", "k"), ("x", "ks"), ("q", "k"), ("c", "k"), ("g", "k"), ("z", "s"), ("d", "t"), ("b", "p"), ("v", "f"),
)  # fmt: skip
SILENT: Final = re.compile(r"[aeiouhwy]")
REPEATED: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=65_536)
def skeleton(word: str) -> str:
    """The consonant sounds of a folded word: what a name keeps when it is written in another script and back."""
    for written, sound in SOUNDS:
        if written in word:
            word = word.replace(written, sound)
    return REPEATED.sub(r"\1", SILENT.sub("", word))


def trigrams(text: str) -> frozenset[str]:
    """Overlapping pieces of three letters of a marked word; a shorter one is its own piece."""
    marked = f"^{text}$"
    return frozenset(marked[start : start + 3] for start in range(max(len(marked) - 2, 1)))
