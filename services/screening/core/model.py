"""The values of screening: who is asked about, who is listed, what was found. Knows no format, index or score."""

from dataclasses import dataclass
from enum import StrEnum

Identifier = tuple[str, str]
"""An identifier as (type, value), both as published or as declared: ("Passport", "A1234567")."""


class PartyKind(StrEnum):
    """What a party is. The kind may weigh in a comparison; it never removes a candidate."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    VESSEL = "VESSEL"
    AIRCRAFT = "AIRCRAFT"
    UNKNOWN = "UNKNOWN"


class Result(StrEnum):
    """The engine's answer about a party. Only an officer turns a possible match into a confirmed one."""

    CLEAR = "CLEAR"
    POSSIBLE_MATCH = "POSSIBLE_MATCH"
    UNDETERMINED = "UNDETERMINED"


class Reason(StrEnum):
    """Why a party could not be screened. The answer is then UNDETERMINED, never CLEAR."""

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
    """A trick of writing seen in a queried name. A flag is information for the officer, not a match.

    MIXED_SCRIPT: letters of two alphabets in one word. INVISIBLE_CHARACTERS: characters that show nothing. HOMOGLYPHS:
    signs, digits or a whole word of foreign letters that imitate letters. SPACED_LETTERS: a word spelled out letter by
    letter. STACKED_MARKS: letters overlaid with marks.
    """

    MIXED_SCRIPT = "MIXED_SCRIPT"
    INVISIBLE_CHARACTERS = "INVISIBLE_CHARACTERS"
    HOMOGLYPHS = "HOMOGLYPHS"
    SPACED_LETTERS = "SPACED_LETTERS"
    STACKED_MARKS = "STACKED_MARKS"


class Strength(StrEnum):
    """How strongly a hit points at the party.

    EXACT: an official identifier agrees, or a whole published name agrees and no other fact contradicts it.
    STRONG: the names agree closely, or exactly but with a contradicting fact. WEAK: the names are similar.
    """

    EXACT = "EXACT"
    STRONG = "STRONG"
    WEAK = "WEAK"


class EvidenceKind(StrEnum):
    """What a piece of evidence speaks about."""

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
    """Whether a piece of evidence speaks for the match, against it, or neither."""

    SUPPORTS = "SUPPORTS"
    CONTRADICTS = "CONTRADICTS"
    NEUTRAL = "NEUTRAL"


@dataclass(frozen=True, slots=True)
class PartyQuery:
    """A party to be screened, as declared.

    names: every name known, aliases and original script included, best known first. birth_date: ISO 8601, may be
    partial ("1970", "1970-03"). countries: ISO 3166-1 alpha-2. identifiers: (type, value). addresses: one line each.
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

    entry_id is stable and unique over all lists of a version ("SDN-15979"). birth_dates keep the publisher's wording
    ("1970-03-01", "circa 1958", "1958 to 1962"). content_hash changes when any published field changes.
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
    """One fact that was compared, what it does to the match, and a sentence an officer can read aloud."""

    kind: EvidenceKind
    effect: Effect
    detail: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A listed party that may be the party asked about. score is 0..1; 1.0 is a perfect match of the name alone."""

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
    """The answer for one party, hits best first, with everything needed to repeat it later.

    CLEAR: every name given was judged and nothing was found. reasons: why some name could not be judged; with hits
    the result is POSSIBLE_MATCH all the same. near_misses: similar entries below the threshold, only when asked for.
    expected_alert_rate: share of innocent parties expected to alert at this configuration's threshold.
    """

    result: Result
    list_version_id: str
    config_version: str
    expected_alert_rate: float
    hits: tuple[Hit, ...] = ()
    reasons: tuple[Reason, ...] = ()
    flags: tuple[Flag, ...] = ()
    near_misses: tuple[Hit, ...] = ()
