"""Compares official identifiers: passports, registration numbers, vessel numbers, wallets.

Identifiers of one type are called differently from list to list, so types are grouped in families.
To add a type, add its wording to the pattern of its family.
"""

# ruff: noqa: SIM905  a table of words is easiest to read as text

import re
import unicodedata
from typing import Final

FAMILIES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
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
                r"tax|vat|v\.a\.t|regist|company|nit\b|ruc\b|rif\b|uscc|credit code|gazette|inn\b"
                r"|ogrn|enterprise|commerc|mercantil|trade license|chamber|fein|business|rfc"
                r"|r\.f\.c|fiscal|bik|national|cedula|identi|d\.?n\.?i|curp|c\.u\.|ssn|citizen"
                r"|personal|residen|electoral|credencial|numero"
            ),
        ),
    )
)
"""Families with the wording of their types; the first match wins. Registration numbers of persons
and of firms are one family, because their names overlap from country to country.
"""

UNTYPED: Final = frozenset({"", "identifier", "id", "number", "unknown"})
"""Type names that say nothing about the type."""
MIN_GLOBAL_CHARACTERS: Final = 5
"""Shorter values occur in several countries."""
MIN_CHARACTERS: Final = 3
NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9A-Z]+")
LABELS: Final = frozenset(
    """
    IMO MMSI INN OGRN OGRNIP KPP OKPO LEI DUNS D U N S USCC SSN NIT RUC RFC CURP VAT ID NO NR NUM
    NUMBER NUMERO PASSPORT PASS TAX TIN REG REGISTRATION REGISTERED COMPANY NATIONAL IDENTITY
    IDENTIFICATION IDENTIFIER CARD CNIC CEDULA DNI SWIFT BIC CODE CALL SIGN ISIN CERTIFICATE
    LICENSE LICENCE
    """.split()
)
"""Words that people write before the value of an identifier."""
LABEL_BEFORE_DIGITS: Final = re.compile(
    r"^(?:IMO|MMSI|INN|OGRN|LEI|DUNS|USCC|SSN|NIT|RUC|RFC|VAT|ID|NO|NR)(?=[0-9])"
)
REMARK: Final = re.compile(r"\s*\([A-Za-z][A-Za-z .]+\)\s*$")
COUNTRY_PREFIX: Final = re.compile(r"^[A-Z]{2}(?=[0-9]{8,}$)")


def identifier_family(identifier_type: str) -> str:
    """Returns the family of an identifier type.

    A type of no known family is a family of its own.
    """
    for family, pattern in FAMILIES:
        if pattern.search(identifier_type):
            return family
    return identifier_type.casefold().strip()


def is_same_family(one: str, other: str) -> bool:
    """Returns whether identifiers of these types can be the same.

    They can if the types are of one family or if one type says nothing.
    """
    types = {one.casefold().strip(), other.casefold().strip()}
    return not types.isdisjoint(UNTYPED) or identifier_family(one) == identifier_family(other)


def identifier_key(value: str) -> str | None:
    """Returns the comparable form of an identifier value, or None if it is too short.

    The key has capital letters and digits only. A label before the value and a remark in brackets
    behind it are left out; digits of any script become ASCII digits.
    """
    text = "".join(_ascii_digit(char) for char in unicodedata.normalize("NFKC", value))
    pieces = NOT_ALPHANUMERIC.sub(" ", REMARK.sub("", text).upper()).split()
    while len(pieces) > 1 and pieces[0] in LABELS:
        del pieces[0]
    key = LABEL_BEFORE_DIGITS.sub("", "".join(pieces))
    return key if len(key) >= MIN_CHARACTERS else None


def without_country_prefix(key: str) -> str:
    """Returns a key without a country prefix: DE123456789 is 123456789."""
    return COUNTRY_PREFIX.sub("", key)


def is_globally_unique(key: str) -> bool:
    """Returns whether a key is long enough to identify one party across all countries."""
    has_digits = sum(char.isdigit() for char in key) > 2
    return len(key) >= MIN_GLOBAL_CHARACTERS and (
        has_digits or len(key) > MIN_GLOBAL_CHARACTERS + 2
    )


def _ascii_digit(char: str) -> str:
    return str(unicodedata.decimal(char)) if not char.isascii() and char.isdecimal() else char
