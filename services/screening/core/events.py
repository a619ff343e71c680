"""What is kept of screenings: the events of an application's stream, and how the engine's answers become one of them.

Knows what a screening says once it is said, nothing of how names are compared, and nothing of what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.screening.core import model
from services.screening.core.lifecycle import HitState, content_of, hit_id_of
from services.screening.core.model import Effect, Strength
from services.screening.core.ownership.assessment import Owner, OwnershipAssessment, Stake, assess
from services.screening.core.ownership.rules import Listing, Ruling

MOST_HITS: Final = 20
"""Hits that are kept of one party, best first."""
MOST_BYTES: Final = 600_000
"""Text that is kept of one application's hits: a fact must stay well below the 2 MiB that a topic lets it be."""
HITS_OMITTED: Final = "HITS_OMITTED"
"""Flag of a party with more hits than are kept."""


class ScreeningResult(StrEnum):
    """What is known of one party. The engine gives the first three; the others are an officer's."""

    CLEAR = "CLEAR"
    POSSIBLE_MATCH = "POSSIBLE_MATCH"
    UNDETERMINED = "UNDETERMINED"
    CONFIRMED_MATCH = "CONFIRMED_MATCH"
    FALSE_POSITIVE = "FALSE_POSITIVE"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for or against a match, as a sentence that can be read aloud."""

    kind: str
    effect: Effect
    detail: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A list entry that may be the party. score: 0..1."""

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


@dataclass(frozen=True, slots=True)
class PartyScreening:
    """What screening says about one party, hits best first. undetermined_reason: empty unless UNDETERMINED."""

    party_id: str
    result: ScreeningResult
    undetermined_reason: str
    hits: tuple[Hit, ...]
    flags: tuple[str, ...]


class SubjectKind(StrEnum):
    """What a subject is. Not known = None."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    VESSEL = "VESSEL"


@dataclass(frozen=True, slots=True)
class SubjectIdentifier:
    """A number that an authority gave a party."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A party as it was declared and screened, kept so that it can be compared with what a list says later."""

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
        """The party as a question to the engine."""
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
        """Digest of who was declared: another one once that changes. Its id and what it owns are no part of it."""
        return content_of(
            (
                ("names", self.names),
                ("kind", (self.kind or "",)),
                ("birth", (self.birth_date,)),
                ("countries", self.countries),
                ("identifiers", (f"{each.type}={each.value}" for each in self.identifiers)),
                ("addresses", self.addresses),
            )
        )


@dataclass(frozen=True, slots=True)
class ScreeningCompleted:
    """Every party of an application was screened. subjects: as declared; empty in older events.

    ownership: None where who owns whom was never assessed, which is no statement that nobody does.
    """

    screening_id: UUID
    application_id: UUID
    partner_id: str
    parties: tuple[PartyScreening, ...]
    list_version: str
    config_version: str
    screened_at: datetime
    subjects: tuple[Subject, ...] = ()
    ownership: OwnershipAssessment | None = None


@dataclass(frozen=True, slots=True)
class PartyListed:
    """A list says something new about a party of an open application or of a live license. No names."""

    application_id: UUID
    license_id: UUID | None
    party_id: str
    screening_id: UUID
    strength: Strength
    entry_ids: tuple[str, ...]
    new_entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    list_version: str
    result: ScreeningResult
    listed_at: datetime
    ownership: OwnershipAssessment | None = None


class HitVerdict(StrEnum):
    """What an officer says of a hit."""

    FALSE_POSITIVE = "FALSE_POSITIVE"
    CONFIRMED = "CONFIRMED"


@dataclass(frozen=True, slots=True)
class HitAct:
    """An officer's act on a hit."""

    officer_id: str
    rationale: str
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class HitClearingProposed:
    """An officer holds an exact hit for false; another officer must agree."""

    application_id: UUID
    hit_id: UUID
    proposed_by: HitAct


@dataclass(frozen=True, slots=True)
class HitAdjudicated:
    """It is decided whether an entry is the party; with what is known of the party now. No names."""

    application_id: UUID
    license_id: UUID | None
    party_id: str
    hit_id: UUID
    entry_id: str
    verdict: HitVerdict
    decided_by: HitAct
    party_result: ScreeningResult
    party_strength: Strength | None
    party_entry_ids: tuple[str, ...]
    party_list_codes: tuple[str, ...]
    party_undetermined_reason: str = ""
    remembered_hit_id: UUID | None = None
    ownership: OwnershipAssessment | None = None


@dataclass(frozen=True, slots=True)
class LicenseMonitored:
    """A license was issued for the application: its parties stay compared with the lists."""

    application_id: UUID
    license_id: UUID


@dataclass(frozen=True, slots=True)
class MonitoringEnded:
    """The application is over and so is its license. because: name of the fact that ended it."""

    application_id: UUID
    because: str


Event = (
    ScreeningCompleted
    | PartyListed
    | HitClearingProposed
    | HitAdjudicated
    | LicenseMonitored
    | MonitoringEnded
)


def recorded(party_id: str, screening: model.Screening) -> PartyScreening:
    """What the engine said of a party, as it is kept.

    The first reason for which a name could not be judged explains UNDETERMINED; all others stand among the flags, since
    a possible match of one name does not clear another that was not judged.
    """
    is_undetermined = screening.result is model.Result.UNDETERMINED
    explaining = screening.reasons[:1] if is_undetermined else ()
    return PartyScreening(
        party_id=party_id,
        result=ScreeningResult(screening.result),
        undetermined_reason="".join(explaining),
        hits=tuple(_hit(hit) for hit in screening.hits),
        flags=(*screening.flags, *screening.reasons[len(explaining) :]),
    )


def remembering(
    application_id: UUID,
    subject: Subject,
    party: PartyScreening,
    false: AbstractSet[tuple[str, str]],
) -> PartyScreening:
    """The party with an id for every hit, and without those that officers found `false` before.

    false: digests (party, entry) of pairs that were judged. A party whose hits are all false is FALSE_POSITIVE.
    """
    content = subject.content
    hits = tuple(
        replace(
            hit,
            hit_id=hit_id_of(
                application_id, subject.party_id, hit.entry_id, content, hit.entry_content
            ),
            state=HitState.FALSE_POSITIVE
            if (content, hit.entry_content) in false
            else HitState.OPEN,
        )
        for hit in party.hits
    )
    if not hits or any(hit.state is HitState.OPEN for hit in hits):
        return replace(party, hits=hits)
    result, reason = cleared(party)
    return replace(party, hits=hits, result=result, undetermined_reason=reason)


def concluded(
    screening_id: UUID,
    application_id: UUID,
    partner_id: str,
    subjects: Sequence[Subject],
    answers: Sequence[model.Screening],
    false: AbstractSet[tuple[str, str]],
    at: datetime,
    ruling: Ruling,
) -> ScreeningCompleted:
    """The fact that all subjects were screened: one answer each, in order, all of one generation of the lists.

    Who owns whom is assessed by `ruling`.
    """
    said = bounded(
        [recorded(each.party_id, answer) for each, answer in zip(subjects, answers, strict=True)]
    )
    parties = tuple(
        remembering(application_id, each, party, false)
        for each, party in zip(subjects, said, strict=True)
    )
    return ScreeningCompleted(
        screening_id=screening_id,
        application_id=application_id,
        partner_id=partner_id,
        parties=parties,
        list_version=answers[0].list_version_id,
        config_version=answers[0].config_version,
        screened_at=at,
        subjects=tuple(subjects),
        ownership=assess(
            [_owner(each, party) for each, party in zip(subjects, parties, strict=True)], ruling
        ),
    )


def owner_of(subject: Subject, hits: Iterable[tuple[Hit, bool]], *, is_undetermined: bool) -> Owner:
    """The subject as far as ownership goes. hits: those that stand, each with whether an officer confirmed it."""
    return Owner(
        party_id=subject.party_id,
        owns=subject.owns,
        listings=tuple(
            Listing(hit.list_code, hit.programs, is_confirmed or hit.strength is Strength.EXACT)
            for hit, is_confirmed in hits
        ),
        is_undetermined=is_undetermined,
        is_owner=subject.is_beneficial_owner,
    )


def _owner(subject: Subject, party: PartyScreening) -> Owner:
    standing = [(hit, False) for hit in party.hits if hit.state is not HitState.FALSE_POSITIVE]
    return owner_of(subject, standing, is_undetermined=is_unjudged(party))


def is_unjudged(party: PartyScreening) -> bool:
    """True: of some name or some hit of the party nothing is known, whatever else was found."""
    return party.result is ScreeningResult.UNDETERMINED or bool(_unjudged(party))


def cleared(party: PartyScreening) -> tuple[ScreeningResult, str]:
    """What is left of a party when all its hits are false: nothing, unless some name or some hit was never judged."""
    unjudged = _unjudged(party)
    return (
        (ScreeningResult.UNDETERMINED, unjudged[0])
        if unjudged
        else (ScreeningResult.FALSE_POSITIVE, "")
    )


def _unjudged(party: PartyScreening) -> list[str]:
    return [
        flag for flag in party.flags if flag == HITS_OMITTED or flag in model.Reason.__members__
    ]


def bounded(
    parties: Sequence[PartyScreening], most_bytes: int = MOST_BYTES
) -> tuple[PartyScreening, ...]:
    """The parties with as many of their hits as fit, best first; a party that has hits keeps at least one.

    Each party gets an equal share of `most_bytes`. Where hits are left out, the flag HITS_OMITTED says so.
    """
    share = most_bytes // max(len(parties), 1)
    return tuple(_bounded(party, share) for party in parties)


def _bounded(party: PartyScreening, share: int) -> PartyScreening:
    kept: list[Hit] = []
    for hit in party.hits[:MOST_HITS]:
        share -= _size(hit)
        if kept and share < 0:
            break
        kept.append(hit)
    if len(kept) == len(party.hits):
        return party
    return PartyScreening(
        party.party_id,
        party.result,
        party.undetermined_reason,
        tuple(kept),
        (*party.flags, HITS_OMITTED),
    )


def _size(hit: Hit) -> int:
    texts = (
        hit.matched_name,
        hit.queried_name,
        *hit.programs,
        *(each.detail for each in hit.evidence),
    )
    return sum(len(text.encode()) for text in texts)


def _hit(hit: model.Hit) -> Hit:
    return Hit(
        entry_id=hit.entry_id,
        list_code=hit.list_code,
        matched_name=hit.matched_name,
        queried_name=hit.queried_name,
        score=hit.score,
        strength=hit.strength,
        evidence=tuple(Evidence(each.kind, each.effect, each.detail) for each in hit.explanation),
        programs=hit.programs,
        entry_content=hit.entry_hash,
    )
