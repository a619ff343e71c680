"""What needs no judgement: official identifiers and whole published names. Never depends on fuzzy code."""

# ruff: noqa: SIM905, RUF001  tables of words read best as text; full-width brackets occur in names

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from services.screening.core.model import Entry, Identifier
from services.screening.core.names.normalisation import CONSONANTAL, Folded, fold
from services.screening.core.names.vowels import Lexicon
from services.screening.core.names.words import NICKNAMES

IDENTIFIER_FAMILIES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (family, re.compile(pattern, re.IGNORECASE))
    for family, pattern in (
        ("wallet", r"digital currency|wallet|crypto|^btc|^xbt|^eth"),
        ("vessel", r"\bimo\b|vessel registration"),
        ("mmsi", r"mmsi"),
        ("passport", r"passport|travel document"),
        ("bank code", r"swift|\bbic\b"),
        ("security", r"\bisin\b"),
        ("email", r"e-?mail"),
        ("call sign", r"call sign"),
        ("aircraft", r"aircraft|tail number|\bmsn\b"),
        ("duns", r"d-?u-?n-?s"),
        ("lei", r"\blei\b|legal entity (identifier|number)"),
        ("ticker", r"ticker"),
        (
            "register",
            (
                r"tax|vat|v\.a\.t|regist|company|nit\b|ruc\b|rif\b|uscc|credit code|gazette|inn\b|ogrn|enterprise"
                r"|commerc|mercantil|trade license|chamber|fein|business|rfc|r\.f\.c|fiscal|bik|national|cedula|identi"
                r"|d\.?n\.?i|curp|c\.u\.|ssn|citizen|personal|residen|electoral|credencial|numero"
            ),
        ),
    )
)
"""Families of identifiers, first match wins. Numbers of persons and firms differ in name by country: one family."""

T = TypeVar("T")

UNTYPED: Final = frozenset({"", "identifier", "id", "number", "unknown"})
"""What identifiers are called whose type nobody knows."""

LEAST_LETTERS: Final = 6
"""Names of fewer letters are not recognised without their spaces."""
LEAST_CHARACTERS: Final = 5
"""Shorter values identify nobody across countries."""
SHORTEST_IDENTIFIER: Final = 3
LATIN_LETTER: Final = re.compile("[A-Za-z]")
NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9A-Z]+")
LABEL: Final = re.compile(
    r"^(?:IMO|MMSI|INN|OGRN|LEI|DUNS|USCC|SSN|NIT|RUC|RFC|VAT|ID|NO|NR)(?=[0-9])"
)
LABELS: Final = frozenset(
    """
    IMO MMSI INN OGRN OGRNIP KPP OKPO LEI DUNS D U N S USCC SSN NIT RUC RFC CURP VAT ID NO NR NUM NUMBER NUMERO PASSPORT
    PASS TAX TIN REG REGISTRATION REGISTERED COMPANY NATIONAL IDENTITY IDENTIFICATION IDENTIFIER CARD CNIC CEDULA DNI
    SWIFT BIC CODE CALL SIGN ISIN CERTIFICATE LICENSE LICENCE
    """.split()
)
"""What people write before an identifier, in front of the value itself."""
REMARK: Final = re.compile(r"\s*\([A-Za-z][A-Za-z .]+\)\s*$")
COUNTRY_PREFIX: Final = re.compile(r"^[A-Z]{2}(?=[0-9]{8,}$)")
BRACKETED: Final = re.compile(r"\s*[(\[（]([^()\[\]（）]{2,})[)\]）]\s*")
PATRONYMIC: Final = re.compile(
    r"(\w{3,}?)(?:[oe]vich|[oe]vych|[oe]vna|[oe]vitch|yevich|yevna|ivna|inichna)$", re.IGNORECASE
)
"""Slavic: son or daughter of; the group is the father's name."""
ALTERNATIVE: Final = re.compile(
    r"\s*[,;(]?\s*\b(?:a\.?\s?k\.?\s?a\.?|f\.?\s?k\.?\s?a\.?|d\.?\s?b\.?\s?a\.?)\b[:.,]?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ListedName:
    """A published name and whose it is: the position of its entry in the generation.

    text: what is compared. It differs from what was published where a part was taken out: the words beside brackets,
    an acronym in brackets, a name without its patronymic.
    """

    entry: int
    text: str
    published: str

    @property
    def is_whole(self) -> bool:
        """Whether the whole published name is compared."""
        return self.text == self.published


def family_of(identifier_type: str) -> str:
    """The family an identifier type belongs to; types of no known family are a family each."""
    for family, pattern in IDENTIFIER_FAMILIES:
        if pattern.search(identifier_type):
            return family
    return identifier_type.casefold().strip()


def is_one_family(one: str, other: str) -> bool:
    """Whether identifiers of these types can be one: of a family, or of a type that nobody knows."""
    types = {one.casefold().strip(), other.casefold().strip()}
    return not types.isdisjoint(UNTYPED) or family_of(one) == family_of(other)


def identifier_key(value: str) -> str | None:
    """The comparable form of an identifier value, None when it is too short to be one.

    Capital letters and digits of any script, without a label before the value and a remark in brackets behind it.
    """
    plain = REMARK.sub(
        "", "".join(_digit(char) for char in unicodedata.normalize("NFKC", value))
    ).upper()
    pieces = NOT_ALPHANUMERIC.sub(" ", plain).split()
    while len(pieces) > 1 and pieces[0] in LABELS:
        del pieces[0]
    key = LABEL.sub("", "".join(pieces))
    return key if len(key) >= SHORTEST_IDENTIFIER else None


def _digit(char: str) -> str:
    return str(unicodedata.decimal(char)) if not char.isascii() and char.isdecimal() else char


def is_telling(key: str) -> bool:
    """Whether an identifier is long enough to identify somebody among all countries."""
    has_digits = sum(char.isdigit() for char in key) > 2
    return len(key) >= LEAST_CHARACTERS and (has_digits or len(key) > LEAST_CHARACTERS + 2)


def listed_names(entries: Sequence[Entry]) -> Iterable[ListedName]:
    """Every published name, and the names written inside others: "Academy (AASP)" is also "Academy" and "AASP".

    A party that is listed in a script without vowels only is also listed as its names are likely read.
    """
    for position, entry in enumerate(entries):
        for text in entry.names:
            yield ListedName(position, text, text)
            for part, _ in parts_of(text):
                yield ListedName(position, part, text)
            if without := _without_patronymic(text):
                yield ListedName(position, without, text)
    yield from _read_with_vowels(entries)


def _read_with_vowels(entries: Sequence[Entry]) -> Iterable[ListedName]:
    unread = {
        position: tuple(fold(text) for text in entry.names)
        for position, entry in enumerate(entries)
        if all(lacks_vowels(text) for text in entry.names)
    }
    if not unread:
        return
    lexicon = Lexicon(
        (
            *(
                fold(text).words
                for position, entry in enumerate(entries)
                if position not in unread
                for text in entry.names
            ),
            *(line.split() for line in NICKNAMES),
        )
    )
    for position, names in unread.items():
        for name, text in zip(names, entries[position].names, strict=True):
            if read := lexicon.read(name):
                yield ListedName(position, read, text)


def lacks_vowels(text: str) -> bool:
    """Whether a name is written in a script without vowels, and in no other beside it."""
    return bool(CONSONANTAL.search(text)) and not LATIN_LETTER.search(text)


def parts_of(text: str) -> Iterable[tuple[str, bool]]:
    """The names written inside a name, and whether it says that they are other names ("a.k.a.")."""
    outside = " ".join(BRACKETED.sub(" ", text).split())
    if outside and outside != text:
        yield outside, False
        yield from (
            (inside, False) for inside in BRACKETED.findall(text) if _names_somebody(inside)
        )
    pieces = [piece.strip(" ,;()") for piece in ALTERNATIVE.split(text)]
    if len(pieces) > 1:
        yield from ((piece, True) for piece in pieces if piece)


def _without_patronymic(text: str) -> str | None:
    """A name of three words without its patronymic, which is left out at will."""
    words = text.split()
    kept = [word for word in words if not PATRONYMIC.search(word)]
    return " ".join(kept) if len(words) > len(kept) == len(words) - 1 >= 2 else None


def _names_somebody(inside: str) -> bool:
    """Whether words in brackets look like a name: an acronym or a capitalised name, no country or remark."""
    return inside[0].isupper() and len(inside) < 60 and inside.upper() not in NOT_NAMES


NOT_NAMES: Final = frozenset(
    """
    UK US USA UAE PRC HK CHINA IRAN RUSSIA INDIA DUBAI HONG KONG SINGAPORE CYPRUS MALAYSIA TURKEY LEBANON SYRIA PANAMA
    LLC LTD FZE FZC FZCO INC CO PVT PTE M.E. ME INTERNATIONAL ASIA EUROPE SHANGHAI BEIJING SHENZHEN HOLDINGS OVERSEAS
    GROUP
    """.split()
) | {
    "HONG KONG",
    "MIDDLE EAST",
    "SAUDI ARABIA",
    "PRIVATE",
    "THAILAND",
    "GERMANY",
    "PJSC",
    "OAO",
    "JSC",
    "AFRICA",
}


@dataclass(frozen=True, slots=True)
class ExactIndex:
    """Dictionaries from identifiers and whole normalised names to entries. Built once, only read."""

    identifiers: Mapping[str, tuple[tuple[int, Identifier], ...]]
    keys: Mapping[str, tuple[ListedName, ...]]
    sorted_keys: Mapping[str, tuple[ListedName, ...]]
    letters: Mapping[str, tuple[ListedName, ...]]

    @classmethod
    def build(
        cls, entries: Sequence[Entry], names: Iterable[tuple[ListedName, Folded]]
    ) -> "ExactIndex":
        """The dictionaries of these entries and their folded names."""
        identifiers: dict[str, list[tuple[int, Identifier]]] = defaultdict(list)
        for position, entry in enumerate(entries):
            for identifier in entry.identifiers:
                if key := identifier_key(identifier[1]):
                    identifiers[key].append((position, identifier))
        keys: dict[str, list[ListedName]] = defaultdict(list)
        by_words: dict[str, list[ListedName]] = defaultdict(list)
        letters: dict[str, list[ListedName]] = defaultdict(list)
        for name, folded in names:
            keys[folded.key].append(name)
            by_words[folded.sorted_key].append(name)
            spoken = given_name_first(name.text)
            for joined in {
                folded.joined,
                fold(spoken).joined if spoken != name.text else folded.joined,
            }:
                if len(joined) >= LEAST_LETTERS:
                    letters[joined].append(name)
        return cls(_frozen(identifiers), _frozen(keys), _frozen(by_words), _frozen(letters))

    def same_identifier(self, identifier: Identifier) -> tuple[tuple[int, Identifier], ...]:
        """Entries with this identifier value, of whatever type; of the same family of types when the value is short.

        A value may be given with the two letters of a country before it where the list has none.
        """
        key = identifier_key(identifier[1])
        if not key:
            return ()
        found = self.identifiers.get(key) or self.identifiers.get(COUNTRY_PREFIX.sub("", key), ())
        if is_telling(key):
            return found
        is_known = identifier[0].casefold().strip() not in UNTYPED
        return tuple(
            one for one in found if is_known and family_of(one[1][0]) == family_of(identifier[0])
        )

    def same_name(self, name: Folded) -> tuple[ListedName, ...]:
        """Entries with exactly this name, spelling and word order alike."""
        return self.keys.get(name.key, ())

    def same_words(self, name: Folded) -> tuple[ListedName, ...]:
        """Entries with exactly these words in any order."""
        return self.sorted_keys.get(name.sorted_key, ())

    def same_letters(self, name: Folded) -> tuple[ListedName, ...]:
        """Entries with exactly these letters in this order, wherever words are divided."""
        return self.letters.get(name.joined, ())


def given_name_first(text: str) -> str:
    """A name published as "FAMILY, Given" in the order it is spoken."""
    family, comma, given = text.partition(", ")
    return f"{given} {family}" if comma else text


def _frozen(lists: Mapping[str, list[T]]) -> Mapping[str, tuple[T, ...]]:
    return {key: tuple(values) for key, values in lists.items()}
