"""The values of the matcher: queried parties, listed entries, hits with evidence, screenings.

Knows no list format, index or score.
"""

from dataclasses import dataclass
from enum import StrEnum

Identifier = tuple[str, str]
"""An identifier as (type, value), both as published or declared: ("Passport", "A1234567")."""


class PartyKind(StrEnum):
    """Kind of a party. A different kind lowers a score; it never excludes an entry."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    VESSEL = "VESSEL"
    AIRCRAFT = "AIRCRAFT"
    UNKNOWN = "UNKNOWN"


class Result(StrEnum):
    """Result of the matcher for one party. Only an officer can confirm or clear a match."""

    CLEAR = "CLEAR"
    POSSIBLE_MATCH = "POSSIBLE_MATCH"
    UNDETERMINED = "UNDETERMINED"


class Reason(StrEnum):
    """Reason why a party, or one of its names, could not be screened.

    The result is then never CLEAR.
    """

    NAME_MISSING = "NAME_MISSING"
    NAME_PLACEHOLDER = "NAME_PLACEHOLDER"
    NAME_TOO_SHORT = "NAME_TOO_SHORT"
    NAME_TOO_LONG = "NAME_TOO_LONG"
    NAME_UNREADABLE = "NAME_UNREADABLE"
    TOO_MANY_NAMES = "TOO_MANY_NAMES"
    INDEX_NOT_READY = "INDEX_NOT_READY"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    ENGINE_FAILED = "ENGINE_FAILED"


class Flag(StrEnum):
    """A disguise of writing in a queried name. It informs the officer and is no match by itself.

    MIXED_SCRIPT: letters of two alphabets in one word. INVISIBLE_CHARACTERS: characters that are
    not displayed. HOMOGLYPHS: signs, digits or letters of another alphabet that imitate letters.
    SPACED_LETTERS: a word spelled letter by letter. STACKED_MARKS: letters overlaid with marks.
    """

    MIXED_SCRIPT = "MIXED_SCRIPT"
    INVISIBLE_CHARACTERS = "INVISIBLE_CHARACTERS"
    HOMOGLYPHS = "HOMOGLYPHS"
    SPACED_LETTERS = "SPACED_LETTERS"
    STACKED_MARKS = "STACKED_MARKS"


class Strength(StrEnum):
    """How strongly a hit points at the party.

    EXACT: an official identifier agrees, or a whole published name agrees and no other fact
    contradicts it. STRONG: the names agree closely, or exactly with a contradicting fact. WEAK: the
    names are similar.
    """

    EXACT = "EXACT"
    STRONG = "STRONG"
    WEAK = "WEAK"


class EvidenceKind(StrEnum):
    """Fact that a piece of evidence is about."""

    IDENTIFIER = "IDENTIFIER"
    NAME_EXACT = "NAME_EXACT"
    NAME_SCORE = "NAME_SCORE"
    NAME_SOUND = "NAME_SOUND"
    NAME_MEANING = "NAME_MEANING"
    NAME_ACRONYM = "NAME_ACRONYM"
    WORDS = "WORDS"
    NUMBERS = "NUMBERS"
    BIRTH_DATE = "BIRTH_DATE"
    COUNTRY = "COUNTRY"
    ADDRESS = "ADDRESS"
    KIND = "KIND"
    LISTED = "LISTED"


class Effect(StrEnum):
    """Effect of a piece of evidence on the match."""

    SUPPORTS = "SUPPORTS"
    CONTRADICTS = "CONTRADICTS"
    NEUTRAL = "NEUTRAL"


@dataclass(frozen=True, slots=True)
class PartyQuery:
    """A party to be screened, as declared.

    names: all known names, the main one first, aliases and original script included. birth_date:
    ISO 8601, possibly partial ("1970", "1970-03"). countries: ISO 3166-1 alpha-2. addresses: one
    text for each.
    """

    names: tuple[str, ...]
    kind: PartyKind = PartyKind.UNKNOWN
    birth_date: str | None = None
    countries: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A listed party as published, never edited.

    entry_id: stable, and unique over all lists ("SDN-15979"). birth_dates: in the publisher's
    wording ("1970-03-01", "circa 1958", "1958 to 1962"). content_hash: SHA-256, hexadecimal; it
    changes with every published field.
    """

    entry_id: str
    list_code: str
    name: str
    content_hash: str
    aliases: tuple[str, ...] = ()
    kind: PartyKind = PartyKind.UNKNOWN
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    addresses: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    source_list: str = ""
    source_url: str = ""
    remarks: str = ""
    legal_basis: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All published names, the primary one first."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that was compared, its effect on the match, and a sentence for officers."""

    kind: EvidenceKind
    effect: Effect
    detail: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A listed entry that may be the queried party.

    score: 0 to 1; 1.0 if name or identifier agree exactly.
    """

    entry_id: str
    list_code: str
    entry_hash: str
    matched_name: str
    queried_name: str
    score: float
    strength: Strength
    explanation: tuple[Evidence, ...]
    programs: tuple[str, ...] = ()
    source_list: str = ""
    source_url: str = ""


@dataclass(frozen=True, slots=True)
class Screening:
    """The screening of one party, hits best first, with the versions needed to repeat it.

    result: CLEAR only if every name was judged and nothing was found; POSSIBLE_MATCH if there is a
    hit, even if another name could not be judged. reasons: why names could not be judged.
    near_misses: entries below the threshold, if they were requested. expected_alert_rate: share of
    innocent persons that are expected to reach the threshold.
    """

    result: Result
    list_version_id: str
    config_version: str
    expected_alert_rate: float
    hits: tuple[Hit, ...] = ()
    reasons: tuple[Reason, ...] = ()
    flags: tuple[Flag, ...] = ()
    near_misses: tuple[Hit, ...] = ()
