"""What is kept of screenings: one stream an application, in it one event a submission.

Knows what a screening says once it is said, nothing of how names are compared. An application that comes up again with
the same submission is not recorded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.screening.core import model
from services.screening.core.model import Effect, Strength

MOST_HITS: Final = 20
"""Hits that are kept of one party, best first."""
MOST_BYTES: Final = 800_000
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


@dataclass(frozen=True, slots=True)
class PartyScreening:
    """What screening says about one party, hits best first. undetermined_reason: empty unless UNDETERMINED."""

    party_id: str
    result: ScreeningResult
    undetermined_reason: str
    hits: tuple[Hit, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScreeningCompleted:
    """Every party of an application was screened."""

    screening_id: UUID
    application_id: UUID
    partner_id: str
    parties: tuple[PartyScreening, ...]
    list_version: str
    config_version: str
    screened_at: datetime


@dataclass(frozen=True, slots=True)
class CompleteScreening:
    """Record this screening. screening_id is made of the submission it answers: the same submission, the same id."""

    screening: ScreeningCompleted


class ScreenedState(StrEnum):
    """Where an application stands with screening. There is no stream before its first screening is complete."""

    SCREENED = "SCREENED"


@dataclass(frozen=True, slots=True)
class ScreenedApplication:
    """An application as screening knows it."""

    application_id: UUID
    partner_id: str
    version: int
    state: ScreenedState
    latest: ScreeningCompleted


TRANSITIONS: Final[Mapping[ScreenedState | None, Mapping[type[ScreeningCompleted], ScreenedState]]] = {
    None: {ScreeningCompleted: ScreenedState.SCREENED},
    ScreenedState.SCREENED: {ScreeningCompleted: ScreenedState.SCREENED},
}


def decide(application: ScreenedApplication | None, command: CompleteScreening) -> tuple[ScreeningCompleted, ...]:
    """Nothing when this very submission was screened before, else the fact that it is."""
    return () if is_answered(application, command.screening.screening_id) else (command.screening,)


def is_answered(application: ScreenedApplication | None, screening_id: UUID) -> bool:
    """Whether the submission that this screening id is made of was the last one screened."""
    return application is not None and application.latest.screening_id == screening_id


def evolve(application: ScreenedApplication | None, event: ScreeningCompleted) -> ScreenedApplication:
    """The application after the event."""
    version, state = (0, None) if application is None else (application.version, application.state)
    return ScreenedApplication(
        application_id=event.application_id,
        partner_id=event.partner_id,
        version=version + 1,
        state=TRANSITIONS[state][type(event)],
        latest=event,
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


def bounded(parties: Sequence[PartyScreening], most_bytes: int = MOST_BYTES) -> tuple[PartyScreening, ...]:
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
        party.party_id, party.result, party.undetermined_reason, tuple(kept), (*party.flags, HITS_OMITTED)
    )


def _size(hit: Hit) -> int:
    texts = (hit.matched_name, hit.queried_name, *hit.programs, *(each.detail for each in hit.evidence))
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
    )
