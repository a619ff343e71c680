"""What follows from a command for an application that was screened: events, `()` when nothing does, or a refusal.

Facts of other services that come late or twice change nothing. Commands of officers are refused where the tables have
no place for them. Knows no clock and makes no ids: both come with the command, and the rules of the day beside it.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final, assert_never
from uuid import UUID

from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import (
    Event,
    HitAct,
    HitAdjudicated,
    HitClearingProposed,
    HitVerdict,
    LicenseMonitored,
    MonitoringEnded,
    PartyListed,
    ScreeningCompleted,
    ScreeningResult,
)
from services.screening.core.evolve import (
    STEP_OF,
    TRANSITIONS,
    KnownHit,
    ScreenedApplication,
    evolve,
    ownership_of,
    standing_of,
)
from services.screening.core.lifecycle import HitState, HitStep, step_hit
from services.screening.core.model import Strength
from services.screening.core.ownership.assessment import OwnershipAssessment
from services.screening.core.ownership.rules import Ruling


@dataclass(frozen=True, slots=True)
class CompleteScreening:
    """Record this screening. screening_id is made of the submission it answers: the same submission, the same id."""

    screening: ScreeningCompleted


@dataclass(frozen=True, slots=True)
class Rescreen:
    """A list changed; this is the new screening. entry_ids: entries that were added or changed."""

    screening: ScreeningCompleted
    entry_ids: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class MonitorLicense:
    """A license was issued. decided_on: the screening that its decision rests on, None where that was not said."""

    license_id: UUID
    decided_on: UUID | None


@dataclass(frozen=True, slots=True)
class EndMonitoring:
    """The application is over and so is its license. because: name of the fact that says so."""

    because: str


@dataclass(frozen=True, slots=True)
class Adjudicate:
    """An officer's verdict on a hit. affiliation: the partner that the officer belongs to, if any."""

    hit_id: UUID
    verdict: HitVerdict
    act: HitAct
    affiliation: str | None


@dataclass(frozen=True, slots=True)
class Recall:
    """The same party and the same entry were found not to be the same elsewhere: by whom, and of which hit."""

    hit_id: UUID
    remembered_hit_id: UUID
    act: HitAct


Command = CompleteScreening | Rescreen | MonitorLicense | EndMonitoring | Adjudicate | Recall
Decided = tuple[Event, ...] | Refusal

NO_HIT: Final = Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "no hit of this id")
_OPEN_RESULTS: Final = frozenset({ScreeningResult.POSSIBLE_MATCH, ScreeningResult.CONFIRMED_MATCH})


def decide(application: ScreenedApplication | None, command: Command, ruling: Ruling) -> Decided:
    """What follows from the command for the application as it is, under the rules of ownership of the day."""
    match command:
        case CompleteScreening(screening):
            is_known = is_answered(application, screening.screening_id) or not _fits(
                application, screening
            )
            return () if is_known else (screening,)
        case Rescreen():
            return _rescreen(application, command, ruling)
        case MonitorLicense():
            return _monitor(application, command, ruling)
        case EndMonitoring(because):
            if application is None:
                return ()
            ended = MonitoringEnded(application.application_id, because)
            return (ended,) if _fits(application, ended) else ()
        case Adjudicate():
            return _adjudicate(application, command, ruling)
        case Recall():
            return _recall(application, command, ruling)
        case _:
            assert_never(command)


def is_answered(application: ScreenedApplication | None, screening_id: UUID) -> bool:
    """Whether the submission that this screening id is made of was the last one screened."""
    return application is not None and application.latest.screening_id == screening_id


def _fits(application: ScreenedApplication | None, event: Event) -> bool:
    return type(event) in TRANSITIONS[application.state if application is not None else None]


def _rescreen(
    application: ScreenedApplication | None, command: Rescreen, ruling: Ruling
) -> tuple[Event, ...]:
    screening = command.screening
    if (
        application is None
        or not _fits(application, screening)
        or screening.subjects != application.latest.subjects
    ):
        return ()  # over, or submitted anew and screened with it
    if application.latest.ownership is None:
        screening = replace(screening, ownership=None)  # it was never kept who owns whom
    known = {hit.hit_id for hit in application.hits}
    after = evolve(application, screening)
    new = [
        hit
        for hit in after.hits
        if hit.hit_id not in known
        and hit.state is HitState.OPEN
        and hit.hit.entry_id in command.entry_ids
    ]
    if not new:
        return ()
    parties = dict.fromkeys(hit.party_id for hit in new)
    ownership = ownership_of(after, ruling)
    told = [
        _listed(
            after,
            party_id,
            tuple(hit.hit.entry_id for hit in new if hit.party_id == party_id),
            ownership,
        )
        for party_id in parties
    ]
    return (replace(screening, ownership=ownership), *told)


def _listed(
    after: ScreenedApplication,
    party_id: str,
    new: tuple[str, ...],
    ownership: OwnershipAssessment | None,
) -> PartyListed:
    standing = standing_of(after, party_id)
    assert standing.strength is not None, "a party with a new hit has an open one"
    return PartyListed(
        application_id=after.application_id,
        license_id=after.license_id,
        party_id=party_id,
        screening_id=after.latest.screening_id,
        strength=standing.strength,
        entry_ids=standing.entry_ids,
        new_entry_ids=new,
        list_codes=standing.list_codes,
        list_version=after.latest.list_version,
        result=standing.result,
        listed_at=after.latest.screened_at,
        ownership=ownership,
    )


def _monitor(
    application: ScreenedApplication | None, command: MonitorLicense, ruling: Ruling
) -> tuple[Event, ...]:
    """The license, and once more what was told while it was being signed: whoever decided did not know of it.

    A confirmed match is told in any case. Its verdict may have come when it was too late to stop the signature and too
    early to name the license; and nobody holds a license whose party an officer found to be a listed one, unless
    somebody who sees that says so.
    """
    if application is None:
        return ()
    monitored = LicenseMonitored(application.application_id, command.license_id)
    if not _fits(application, monitored):
        return ()
    after = evolve(application, monitored)
    overtaken = {
        told.party_id: told.new_entry_ids
        for told in application.listed
        if told.screening_id != command.decided_on
        and standing_of(after, told.party_id).result in _OPEN_RESULTS
    }
    for hit in (each for each in application.hits if each.state is HitState.CONFIRMED):
        known = overtaken.get(hit.party_id, ())
        overtaken[hit.party_id] = tuple(dict.fromkeys((*known, hit.hit.entry_id)))
    ownership = ownership_of(after, ruling)
    return (
        monitored,
        *(_listed(after, party_id, new, ownership) for party_id, new in overtaken.items()),
    )


def _adjudicate(
    application: ScreenedApplication | None, command: Adjudicate, ruling: Ruling
) -> Decided:
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None:
        return NO_HIT
    officer = {"officerId": command.act.officer_id}
    if command.affiliation == application.partner_id:
        message = "an officer who belongs to the partner cannot judge its hits"
        return Refusal(Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST, message, officer)
    step = step_for(hit, command.verdict)
    after = step_hit(hit.state, step)
    if isinstance(after, Refusal):
        return after
    if step is HitStep.CONFIRM_CLEARING and hit.acts[-1].officer_id == command.act.officer_id:
        message = "whoever proposed that an exact hit is false cannot confirm it"
        return Refusal(Kind.PERMISSION, Reason.SELF_CONFIRMATION, message, officer)
    if step is HitStep.PROPOSE_CLEARING:
        return (HitClearingProposed(application.application_id, hit.hit_id, command.act),)
    return (_adjudicated(application, hit, command.verdict, command.act, None, ruling),)


def step_for(hit: KnownHit, verdict: HitVerdict) -> HitStep:
    """The step that a verdict asks for: an exact hit takes two officers to clear."""
    if verdict is HitVerdict.CONFIRMED or hit.hit.strength is not Strength.EXACT:
        return STEP_OF[verdict]
    return (
        HitStep.CONFIRM_CLEARING
        if hit.state is HitState.CLEARING_PROPOSED
        else HitStep.PROPOSE_CLEARING
    )


def _recall(
    application: ScreenedApplication | None, command: Recall, ruling: Ruling
) -> tuple[Event, ...]:
    hit = application.find(command.hit_id) if application is not None else None
    if (
        application is None
        or hit is None
        or isinstance(step_hit(hit.state, HitStep.CLEAR), Refusal)
    ):
        return ()
    verdict = HitVerdict.FALSE_POSITIVE
    return (
        _adjudicated(application, hit, verdict, command.act, command.remembered_hit_id, ruling),
    )


def _adjudicated(
    application: ScreenedApplication,
    hit: KnownHit,
    verdict: HitVerdict,
    act: HitAct,
    remembered: UUID | None,
    ruling: Ruling,
) -> HitAdjudicated:
    said = HitAdjudicated(
        application_id=application.application_id,
        license_id=application.license_id,
        party_id=hit.party_id,
        hit_id=hit.hit_id,
        entry_id=hit.hit.entry_id,
        verdict=verdict,
        decided_by=act,
        party_result=ScreeningResult.UNDETERMINED,
        party_strength=None,
        party_entry_ids=(),
        party_list_codes=(),
        remembered_hit_id=remembered,
    )
    after = evolve(application, said)
    standing = standing_of(after, hit.party_id)
    return replace(
        said,
        party_result=standing.result,
        party_strength=standing.strength,
        party_entry_ids=standing.entry_ids,
        party_list_codes=standing.list_codes,
        party_undetermined_reason=standing.undetermined_reason,
        ownership=ownership_of(after, ruling),
    )
