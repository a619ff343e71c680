"""An application as screening keeps it: its latest screening, every hit, and whether it is still of interest.

One stream an application. The lifecycle is one table beside the only function that reads it; what a command does stands
in `decide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from services.screening.core.events import (
    Event,
    Hit,
    HitAct,
    HitAdjudicated,
    HitClearingProposed,
    HitVerdict,
    LicenseMonitored,
    MonitoringEnded,
    PartyListed,
    PartyScreening,
    ScreeningCompleted,
    ScreeningResult,
    Subject,
    cleared,
    is_unjudged,
    owner_of,
)
from services.screening.core.lifecycle import (
    STANDING,
    UNDECIDED,
    HitState,
    HitStep,
    hit_id_of,
    stepped,
)
from services.screening.core.model import Strength
from services.screening.core.ownership.assessment import Owner, OwnershipAssessment, assess
from services.screening.core.ownership.rules import Ruling


class ScreenedState(StrEnum):
    """Where an application stands with screening. There is no stream before its first screening is complete."""

    SCREENED = "SCREENED"
    LICENSED = "LICENSED"
    CLOSED = "CLOSED"


MONITORED: Final = (ScreenedState.SCREENED, ScreenedState.LICENSED)
"""Whose parties are compared with what the lists say later."""

TRANSITIONS: Final[Mapping[ScreenedState | None, Mapping[type[Event], ScreenedState]]] = {
    None: {ScreeningCompleted: ScreenedState.SCREENED},
    ScreenedState.SCREENED: {
        ScreeningCompleted: ScreenedState.SCREENED,
        PartyListed: ScreenedState.SCREENED,
        HitClearingProposed: ScreenedState.SCREENED,
        HitAdjudicated: ScreenedState.SCREENED,
        LicenseMonitored: ScreenedState.LICENSED,
        MonitoringEnded: ScreenedState.CLOSED,
    },
    ScreenedState.LICENSED: {
        ScreeningCompleted: ScreenedState.LICENSED,
        PartyListed: ScreenedState.LICENSED,
        HitClearingProposed: ScreenedState.LICENSED,
        HitAdjudicated: ScreenedState.LICENSED,
        MonitoringEnded: ScreenedState.CLOSED,
    },
    # Its hits may still be judged, for the next time that the party comes; lists do not concern it any more.
    ScreenedState.CLOSED: {
        HitClearingProposed: ScreenedState.CLOSED,
        HitAdjudicated: ScreenedState.CLOSED,
    },
}

STEP_OF: Final[Mapping[HitVerdict, HitStep]] = {
    HitVerdict.CONFIRMED: HitStep.CONFIRM_MATCH,
    HitVerdict.FALSE_POSITIVE: HitStep.CLEAR,
}


class ImpossibleEvent(AssertionError):  # noqa: N818 - a broken promise of ours
    """An event that the table does not have here."""


@dataclass(frozen=True, slots=True)
class KnownHit:
    """A hit with all that was said of it. party_content: digest of the party as it was declared then."""

    hit_id: UUID
    party_id: str
    party_content: str
    state: HitState
    hit: Hit
    list_version: str
    found_at: datetime
    acts: tuple[HitAct, ...] = ()


@dataclass(frozen=True, slots=True)
class ScreenedApplication:
    """An application as screening knows it. listed: what its latest re-screening told."""

    application_id: UUID
    partner_id: str
    version: int
    state: ScreenedState
    latest: ScreeningCompleted
    hits: tuple[KnownHit, ...] = ()
    license_id: UUID | None = None
    listed: tuple[PartyListed, ...] = ()

    def find(self, hit_id: UUID) -> KnownHit | None:
        """The hit of this id."""
        return next((hit for hit in self.hits if hit.hit_id == hit_id), None)


@dataclass(frozen=True, slots=True)
class PartyStanding:
    """What is known of one party by its hits and by what officers said of them."""

    result: ScreeningResult
    strength: Strength | None
    entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    undetermined_reason: str


_RANK: Final = (Strength.WEAK, Strength.STRONG, Strength.EXACT)


def standing_of(application: ScreenedApplication, party_id: str) -> PartyStanding:
    """Confirmed before possible before what the latest screening said; false only when every hit of it is."""
    hits = [hit for hit in application.hits if hit.party_id == party_id]
    standing = [hit for hit in hits if hit.state in STANDING]
    if standing:
        confirmed = any(hit.state is HitState.CONFIRMED for hit in standing)
        return PartyStanding(
            ScreeningResult.CONFIRMED_MATCH if confirmed else ScreeningResult.POSSIBLE_MATCH,
            max((hit.hit.strength for hit in standing), key=_RANK.index),
            tuple(dict.fromkeys(hit.hit.entry_id for hit in standing)),
            tuple(dict.fromkeys(hit.hit.list_code for hit in standing)),
            "",
        )
    party = next((each for each in application.latest.parties if each.party_id == party_id), None)
    if party is None:
        return PartyStanding(ScreeningResult.UNDETERMINED, None, (), (), "NOT_SCREENED")
    result, reason = (party.result, party.undetermined_reason) if not party.hits else cleared(party)
    return PartyStanding(result, None, (), (), reason)


def ownership_of(application: ScreenedApplication, ruling: Ruling) -> OwnershipAssessment | None:
    """Who owns the parties, by the hits as officers have judged them; None where it was never known who owns whom."""
    if application.latest.ownership is None:
        return None
    return assess([_owner(application, subject) for subject in application.latest.subjects], ruling)


def _owner(application: ScreenedApplication, subject: Subject) -> Owner:
    party = next(
        (each for each in application.latest.parties if each.party_id == subject.party_id), None
    )
    standing = [
        (hit.hit, hit.state is HitState.CONFIRMED)
        for hit in application.hits
        if hit.party_id == subject.party_id and hit.state in STANDING
    ]
    return owner_of(subject, standing, is_undetermined=party is None or is_unjudged(party))


def evolve(application: ScreenedApplication | None, event: Event) -> ScreenedApplication:
    """The application after the event. Raises ImpossibleEvent where the table has no such step."""
    state = TRANSITIONS[application.state if application is not None else None].get(type(event))
    if state is None:
        raise ImpossibleEvent(type(event).__name__)
    if isinstance(event, ScreeningCompleted):
        return _screened(application, event, state)
    assert application is not None, "the table has nothing else without a screening"
    moved = replace(application, version=application.version + 1, state=state)
    match event:
        case PartyListed():
            # What an earlier re-screening told is over.
            told = tuple(each for each in moved.listed if each.screening_id == event.screening_id)
            return replace(moved, listed=(*told, event))
        case HitClearingProposed(hit_id=hit_id, proposed_by=act):
            return _judged(moved, hit_id, HitStep.PROPOSE_CLEARING, act)
        case HitAdjudicated(hit_id=hit_id, verdict=verdict, decided_by=act):
            return _judged(moved, hit_id, STEP_OF[verdict], act)
        case LicenseMonitored(license_id=license_id):
            return replace(moved, license_id=license_id)
        case MonitoringEnded():
            return moved
        case _:
            assert_never(event)


def _screened(
    application: ScreenedApplication | None, event: ScreeningCompleted, state: ScreenedState
) -> ScreenedApplication:
    if application is None:
        return ScreenedApplication(
            event.application_id, event.partner_id, 1, state, event, tuple(_found(event).values())
        )
    return replace(
        application,
        partner_id=event.partner_id,
        version=application.version + 1,
        state=state,
        latest=event,
        hits=_merged(application.hits, event),
    )


def _found(event: ScreeningCompleted) -> dict[UUID, KnownHit]:
    contents = {subject.party_id: subject.content for subject in event.subjects}
    hits = [
        _known(event, party, hit, contents.get(party.party_id, ""))
        for party in event.parties
        for hit in party.hits
    ]
    return {hit.hit_id: hit for hit in hits}


def _known(event: ScreeningCompleted, party: PartyScreening, hit: Hit, content: str) -> KnownHit:
    # Screenings of before hits were decided one by one say neither.
    hit_id = hit.hit_id or hit_id_of(
        event.application_id, party.party_id, hit.entry_id, content, hit.entry_content
    )
    state = hit.state or HitState.OPEN
    return KnownHit(
        hit_id, party.party_id, content, state, hit, event.list_version, event.screened_at
    )


def _merged(known: tuple[KnownHit, ...], event: ScreeningCompleted) -> tuple[KnownHit, ...]:
    """All hits: known ones as they were judged, with new ones behind.

    An undecided hit gives way when a newer one of the same entry stands in its place, or when its party changed. One
    whose entry has left its list stays for a decision: it is not cleared by itself.
    """
    found = _found(event)
    contents = dict.fromkeys((party.party_id for party in event.parties), "")
    contents |= {subject.party_id: subject.content for subject in event.subjects}
    newer = {(hit.party_id, hit.hit.entry_id) for hit in found.values()}
    kept: list[KnownHit] = []
    for hit in known:
        is_same = found.pop(hit.hit_id, None) is not None
        is_replaced = (hit.party_id, hit.hit.entry_id) in newer or contents.get(
            hit.party_id
        ) != hit.party_content
        if not is_same and is_replaced and hit.state in UNDECIDED:
            kept.append(replace(hit, state=stepped(hit.state, HitStep.SUPERSEDE)))
        else:
            kept.append(hit)
    return (*kept, *found.values())


def _judged(
    application: ScreenedApplication, hit_id: UUID, step: HitStep, act: HitAct
) -> ScreenedApplication:
    if application.find(hit_id) is None:
        raise ImpossibleEvent(f"a verdict on hit {hit_id}, which is not there")
    hits = tuple(
        replace(hit, state=stepped(hit.state, step), acts=(*hit.acts, act))
        if hit.hit_id == hit_id
        else hit
        for hit in application.hits
    )
    return replace(application, hits=hits)
