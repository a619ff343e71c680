"""The record of a screening: the declared parties, their results and hits, and officers' acts.

These values are parts of events and of the stored state. Renaming a field here would make stored
states unreadable. Knows nothing of how names are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.screening.core import model
from services.screening.core.identity import content_digest
from services.screening.core.model import Effect, Strength
from services.screening.core.ownership.assessment import Stake

HITS_OMITTED: Final = "HITS_OMITTED"
"""Flag of a party that had more hits than are kept."""


class ScreeningResult(StrEnum):
    """Result for one party. The matcher returns the first three; officers decide the other two."""

    CLEAR = "CLEAR"
    POSSIBLE_MATCH = "POSSIBLE_MATCH"
    UNDETERMINED = "UNDETERMINED"
    CONFIRMED_MATCH = "CONFIRMED_MATCH"
    FALSE_POSITIVE = "FALSE_POSITIVE"


class HitState(StrEnum):
    """State of a hit. It says whether its list entry is the party.

    OPEN: not judged yet. CLEARING_PROPOSED: one officer proposed to clear the hit, a second officer
    must confirm. FALSE_POSITIVE: the entry is not the party. CONFIRMED: it is. SUPERSEDED:
    party or entry changed, and a newer hit replaced this one.
    """

    OPEN = "OPEN"
    CLEARING_PROPOSED = "CLEARING_PROPOSED"
    FALSE_POSITIVE = "FALSE_POSITIVE"
    CONFIRMED = "CONFIRMED"
    SUPERSEDED = "SUPERSEDED"


class HitVerdict(StrEnum):
    """An officer's verdict on a hit: whether the list entry is the party."""

    FALSE_POSITIVE = "FALSE_POSITIVE"
    CONFIRMED = "CONFIRMED"


@dataclass(frozen=True, slots=True)
class HitAct:
    """One act of an officer on a hit: a verdict, its withdrawal, a proposal or the answer to it."""

    officer_id: str
    rationale: str
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact for or against a match. `detail` is a sentence that an officer can read."""

    kind: str
    effect: Effect
    detail: str


@dataclass(frozen=True, slots=True)
class RecordedHit:
    """A list entry that may be the party, as it was found by one screening.

    score: 0 to 1. entry_content: SHA-256 of the published entry, hexadecimal; empty in screenings
    recorded before single hits were judged. hit_id, state: None in those. remembered_hit_id: the
    hit whose verdict cleared this one when it was found, or None.
    """

    entry_id: str
    list_code: str
    matched_name: str
    queried_name: str
    score: float
    strength: Strength
    evidence: tuple[Evidence, ...]
    programs: tuple[str, ...]
    entry_content: str = ""
    hit_id: UUID | None = None
    state: HitState | None = None
    remembered_hit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PartyScreening:
    """The result for one party, hits best first.

    undetermined_reason: a `model.Reason`; empty unless the result is UNDETERMINED. flags: disguises
    of writing (`model.Flag`), further reasons why a name was not judged, and HITS_OMITTED.
    """

    party_id: str
    result: ScreeningResult
    undetermined_reason: str
    hits: tuple[RecordedHit, ...]
    flags: tuple[str, ...]

    @property
    def gaps(self) -> tuple[str, ...]:
        """Flags that say that a name was not judged or that hits were left out."""
        return tuple(
            flag for flag in self.flags if flag == HITS_OMITTED or flag in model.Reason.__members__
        )

    @property
    def is_unjudged(self) -> bool:
        """True if some name or hit of the party was not judged, whatever else was found."""
        return self.result is ScreeningResult.UNDETERMINED or bool(self.gaps)

    @property
    def result_without_hits(self) -> tuple[ScreeningResult, str]:
        """Result and undetermined reason if all hits of the party are false.

        If a name or a hit was never judged, the party stays UNDETERMINED: clearing the hits that
        are known says nothing about it.
        """
        gaps = self.gaps
        if gaps:
            return ScreeningResult.UNDETERMINED, gaps[0]
        return ScreeningResult.FALSE_POSITIVE, ""


class SubjectKind(StrEnum):
    """Kind of a declared party. An unknown kind is None."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    VESSEL = "VESSEL"


@dataclass(frozen=True, slots=True)
class SubjectIdentifier:
    """A number that an authority gave a party, with its type, for instance LEI."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A party as it was declared. It is kept to be compared with later list versions.

    names: main name first. birth_date: ISO 8601, possibly partial, or empty. countries: ISO 3166-1
    alpha-2. owns: shares in other parties of the same application.
    """

    party_id: str
    names: tuple[str, ...]
    kind: SubjectKind | None = None
    birth_date: str = ""
    countries: tuple[str, ...] = ()
    identifiers: tuple[SubjectIdentifier, ...] = ()
    addresses: tuple[str, ...] = ()
    owns: tuple[Stake, ...] = ()
    is_beneficial_owner: bool = False

    @property
    def query(self) -> model.PartyQuery:
        """The party as a query to the matcher."""
        return model.PartyQuery(
            names=self.names,
            kind=model.PartyKind.UNKNOWN if self.kind is None else model.PartyKind(self.kind),
            birth_date=self.birth_date or None,
            countries=self.countries,
            identifiers=tuple((each.type, each.value) for each in self.identifiers),
            addresses=self.addresses,
        )

    @property
    def content(self) -> str:
        """Digest of the declared party. Its party_id and its shares are not part of it.

        The same person or firm in another application has the same digest, so that officers'
        verdicts on it apply there too.
        """
        return content_digest(
            (
                ("names", self.names),
                ("kind", (self.kind or "",)),
                ("birth", (self.birth_date,)),
                ("countries", self.countries),
                ("identifiers", (f"{each.type}={each.value}" for each in self.identifiers)),
                ("addresses", self.addresses),
            )
        )
