"""Transliterates other scripts into Latin letters as English readers write the sound.

ICU follows scholarly standards; passports and sanctions lists do not. Where the two differ much,
the letters are in the tables here.
"""

# ruff: noqa: RUF001  the tables contain letters of many scripts

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import icu

from services.screening.core.names import burmese, korean
from services.screening.core.names.script_vocabulary import TRANSLATED_TERMS, TRANSLATED_WORDS

SIMPLIFIED: Final = icu.Transliterator.createInstance("Hant-Hans")
LATIN: Final = icu.Transliterator.createInstance("Any-Latin; Latin-ASCII; Lower")

CYRILLIC: Final = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
        "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
        "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
        "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "і": "i",
        "ї": "yi", "є": "ye", "ґ": "g", "ў": "u", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c",
        "ђ": "dj", "џ": "dz", "қ": "q", "ғ": "gh", "ү": "u", "ұ": "u", "ө": "o", "ң": "ng",
        "ә": "a", "һ": "h",
    }
)  # fmt: skip

# Letters of Arabic, Persian and Urdu that ICU drops or marks.
ARABIC: Final = str.maketrans(
    {
        "ع": "ا", "ة": "ا", "ء": "", "ئ": "ي", "ؤ": "و", "ی": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه",
        "ۀ": "ه",
        # At the end of a word it is an a or an i: `other_pronunciation` returns the other sound.
        "ى": "e",
        # Pronounced d, th or z, depending on the country: `other_pronunciation` returns the other
        # sound.
        "ض": "dh", "ظ": "dh", "ذ": "dh", "ٹ": "t", "ڈ": "d", "ڑ": "r", "ں": "n", "ے": "e",
    }
)  # fmt: skip
UNIFIED_LETTERS: Final = str.maketrans("أإآىیک", "ااايي" + "ك")
ARABIC_LETTER: Final = re.compile(r"[\u0600-\u06ff\u0750-\u077f]")
SERVANT_OF: Final = re.compile(r"(?<!\w)(عبد)\s*ال(?!له)(?=\w{2,})")
AND_THE: Final = re.compile(r"(?<!\w)وال(?=\w{4,})")
ARABIC_WORD: Final = re.compile(r"(?<!\w)(?:و?ال|لل)?(\w{2,})")
ARABIC_ARTICLE: Final = re.compile(r"(?<![\w])ال(?=\w{3,})")

# Hebrew: a mark behind a letter gives the sounds of other languages. b may be v, p may be f: a
# doubled letter says that `other_pronunciation` returns the other sound.
HEBREW_LETTER: Final = re.compile(r"[\u05d0-\u05ea]")
HEBREW_LETTER_PAIRS: Final = tuple(
    (re.compile(f"{letter}['’׳]"), sound)
    for letter, sound in (
        ("ג", "j"),
        ("ז", "zh"),
        ("[צץ]", "ch"),
        ("ח", "kh"),
        ("ת", "th"),
        ("ד", "dh"),
        ("ע", "gh"),
    )
)
HEBREW_SOUNDS: Final = (
    (re.compile("וו"), "ww"),
    (re.compile("(?<![א-ת])ו"), "v"),
    (re.compile("יי"), "y"),
    (re.compile("(?<=[א-ת])ב"), "bb"),
    (re.compile("פ"), "pp"),
    (re.compile("ף"), "f"),
    (re.compile("[אע]"), "a"),
    (re.compile("ק"), "k"),
)

# Greek writes the sounds of other languages with two letters. An accent on the first vowel
# separates them.
GREEK_LETTER: Final = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")
GREEK_LETTER_PAIRS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("γι(?=[αάεέοόυύωώ])", "y"), ("ντ(?=ρ)", "nd"), ("(?<=ν)γκ", "g"), ("γκ", "g"),
        ("γγ", "ng"), ("γχ", "nkh"), ("μπ", "b"), ("ντ", "d"), ("τζ", "j"), ("τσ", "ts"),
        ("ου|ού", "u"), ("αι|αί", "e"), ("ει|εί|οι|οί|υι|υί", "i"),
        ("α[υύ](?=[θκξπστφχψς]|$)", "af"), ("α[υύ]", "av"), ("ε[υύ](?=[θκξπστφχψς]|$)", "ef"),
        ("ε[υύ]", "ev"), ("(?<!\\w)χ", "h"),
    )
)  # fmt: skip
GREEK: Final = str.maketrans(
    {
        "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i",
        "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s",
        "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "kh", "ψ": "ps", "ω": "o",
    }
)  # fmt: skip

IDEOGRAPH: Final = "[\u3400-\u9fff\uf900-\ufaff]"
CHINESE: Final = re.compile(f"{IDEOGRAPH}+")
SPACED_CHINESE: Final = re.compile(f"(?<!{IDEOGRAPH}){IDEOGRAPH}(?: {IDEOGRAPH})+(?!{IDEOGRAPH})")
CHINESE_TITLE: Final = re.compile(f"(?<={IDEOGRAPH})(?:先生|女士|小姐|博士|教授)$")
# Characters whose reading in names differs from the one that ICU returns: in family names, then in
# any name.
FAMILY_READINGS: Final[Mapping[str, str]] = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "區": "ou",
    "朴": "piao", "盖": "ge", "蓋": "ge", "翟": "zhai", "缪": "miao", "繆": "miao", "秘": "bi",
    "乐": "yue", "覃": "qin", "尉迟": "yuchi", "万俟": "moqi", "单于": "chanyu", "欧阳": "ouyang",
    "歐陽": "ouyang", "司马": "sima", "司馬": "sima", "诸葛": "zhuge", "諸葛": "zhuge",
    "上官": "shangguan", "夏侯": "xiahou", "皇甫": "huangfu", "慕容": "murong", "司徒": "situ",
    "令狐": "linghu", "东方": "dongfang",
}  # fmt: skip
CHARACTER_READINGS: Final = str.maketrans(
    {"长": "chang", "長": "chang", "厦": "xia", "廈": "xia", "曾": "zeng", "翟": "zhai"}
)
MAX_PERSON_NAME: Final = 4
# ICU writes the inherent vowel at the end of an Indic word. Names in Latin letters do not have it.
INDIC_FINAL: Final = tuple(
    (re.compile(f"([{first}-{last}]{nukta}?)(?![\u0900-\u0dff])"), virama)
    for first, last, nukta, virama in (
        ("\u0915", "\u0939", "\u093c", "\u094d"),
        ("\u0995", "\u09b9", "\u09bc", "\u09cd"),
        ("\u0a15", "\u0a39", "\u0a3c", "\u0a4d"),
        ("\u0a95", "\u0ab9", "\u0abc", "\u0acd"),
    )
)
INDIC: Final = re.compile("[\u0900-\u0aff]")


def transliterate(text: str, *, by_meaning: bool = True) -> str:
    """Returns a lower-case text of any scripts in Latin letters. Business words are translated.

    by_meaning: False transliterates Arabic and Persian business words too.
    """
    text = CHINESE_TITLE.sub("", SPACED_CHINESE.sub(lambda run: run[0].replace(" ", ""), text))
    has_meaning = False
    for foreign, meaning in TRANSLATED_TERMS:
        if foreign in text:
            text = text.replace(foreign, f" {meaning} ")
            has_meaning = True
    text = CHINESE.sub(lambda run: f" {_pinyin(run[0], is_person=not has_meaning)} ", text)
    text = korean.HANGUL.sub(lambda run: f" {korean.romanise(run[0])} ", text)
    text = burmese.BURMESE.sub(lambda run: f" {burmese.romanise(run[0])} ", text)
    if ARABIC_LETTER.search(text):
        text = _arabic(ARABIC_WORD.sub(_translation, text) if by_meaning else text)
    if HEBREW_LETTER.search(text):
        text = _hebrew(text)
    if GREEK_LETTER.search(text):
        text = _greek(text)
    if INDIC.search(text):
        for pattern, virama in INDIC_FINAL:
            text = pattern.sub(rf"\1{virama}", text)
    return str(LATIN.transliterate(text.translate(CYRILLIC)))


def _arabic(text: str) -> str:
    text = AND_THE.sub("و ال", text)
    text = ARABIC_ARTICLE.sub("ال ", SERVANT_OF.sub(r"\1ال ", text))
    return text.translate(ARABIC)


def _translation(word: re.Match[str]) -> str:
    return TRANSLATED_WORDS.get(word[1].translate(UNIFIED_LETTERS), word[0])


def _hebrew(text: str) -> str:
    for pattern, sound in (*HEBREW_LETTER_PAIRS, *HEBREW_SOUNDS):
        text = pattern.sub(sound, text)
    return text


def _greek(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    for pattern, sound in GREEK_LETTER_PAIRS:
        text = pattern.sub(sound, text)
    bare = "".join(
        char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char)
    )
    return bare.translate(GREEK)


def _pinyin(characters: str, *, is_person: bool) -> str:
    """Returns Chinese characters in pinyin.

    A person's name becomes a family name and a given name, other text words of two syllables.
    """
    if is_person and 2 <= len(characters) <= MAX_PERSON_NAME:
        at = 2 if len(characters) > 2 and characters[:2] in FAMILY_READINGS else 1
        family = FAMILY_READINGS.get(characters[:at]) or "".join(_syllables(characters[:at]))
        return f"{family} {''.join(_syllables(characters[at:]))}"
    syllables = _syllables(characters)
    if len(syllables) == 3:  # Harbin, Jingdezhen: a place
        return "".join(syllables)
    return " ".join("".join(syllables[at : at + 2]) for at in range(0, len(syllables), 2))


def _syllables(characters: str) -> list[str]:
    return [
        str(LATIN.transliterate(char.translate(CHARACTER_READINGS))).strip() for char in characters
    ]


def simplified_chinese(text: str) -> str:
    """Returns a text with simplified instead of traditional Chinese characters."""
    return text if text.isascii() else str(SIMPLIFIED.transliterate(text))
