"""What follows from a verdict on a hit. Clearing an EXACT hit requires a second officer.

Knows no clock: the time of an act comes from outside.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.screening.core.cases.standing import ownership_of, standing_of
from services.screening.core.commands import AdjudicateHit, ApplyPastVerdict, Officer
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import Event, HitAdjudicated, HitClearingProposed
from services.screening.core.evolve import KnownHit, ScreenedApplication, evolve
from services.screening.core.lifecycle import STEP_OF, HitStep, wrong_state
from services.screening.core.model import Strength
from services.screening.core.ownership.rules import Ruling
from services.screening.core.records import HitAct, HitState, HitVerdict, ScreeningResult

NO_HIT: Final = Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "no hit with this id")


def adjudicate(
    application: ScreenedApplication | None, command: AdjudicateHit, now: datetime, ruling: Ruling
) -> tuple[Event, ...] | Refusal:
    """Returns the events of an officer's verdict, or the refusal."""
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None:
        return NO_HIT
    officer_id = command.officer.officer_id
    step = step_for(hit, command.verdict)
    refusal = _conflict(application, command.officer) or wrong_state(hit.state, step)
    if refusal is not None:
        return refusal
    if step is HitStep.CONFIRM_CLEARING and hit.acts[-1].officer_id == officer_id:
        return _same_officer(officer_id)
    act = HitAct(officer_id, command.rationale, now)
    if step is HitStep.PROPOSE_CLEARING:
        return (HitClearingProposed(application.application_id, hit.hit_id, act),)
    return (_adjudicated(application, hit, command.verdict, act, None, ruling),)


def step_for(hit: KnownHit, verdict: HitVerdict) -> HitStep:
    """Returns the step that the verdict asks for: clearing an EXACT hit takes two officers."""
    if verdict is HitVerdict.CONFIRMED or hit.hit.strength is not Strength.EXACT:
        return STEP_OF[verdict]
    return (
        HitStep.CONFIRM_CLEARING
        if hit.state is HitState.CLEARING_PROPOSED
        else HitStep.PROPOSE_CLEARING
    )


def apply_past_verdict(
    application: ScreenedApplication | None, command: ApplyPastVerdict, ruling: Ruling
) -> tuple[Event, ...]:
    """Returns the event that clears the hit, or nothing if the hit is decided or unknown."""
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None or wrong_state(hit.state, HitStep.CLEAR) is not None:
        return ()
    verdict = HitVerdict.FALSE_POSITIVE
    return (_adjudicated(application, hit, verdict, command.act, command.past_hit_id, ruling),)


def _conflict(application: ScreenedApplication, officer: Officer) -> Refusal | None:
    if officer.affiliation != application.partner_id:
        return None
    message = "an officer who belongs to the partner cannot judge its hits"
    return Refusal(
        Kind.PERMISSION,
        Reason.CONFLICT_OF_INTEREST,
        message,
        {"officerId": officer.officer_id},
    )


def _same_officer(officer_id: str) -> Refusal:
    message = "the officer who proposed to clear an EXACT hit cannot confirm it"
    return Refusal(Kind.PERMISSION, Reason.SELF_CONFIRMATION, message, {"officerId": officer_id})


def _adjudicated(
    application: ScreenedApplication,
    hit: KnownHit,
    verdict: HitVerdict,
    act: HitAct,
    past_hit_id: UUID | None,
    ruling: Ruling,
) -> HitAdjudicated:
    event = HitAdjudicated(
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
        remembered_hit_id=past_hit_id,
    )
    # The party's fields describe the state after the verdict, so the event is applied first.
    after = evolve(application, event)
    standing = standing_of(after, hit.party_id)
    return replace(
        event,
        party_result=standing.result,
        party_strength=standing.strength,
        party_entry_ids=standing.entry_ids,
        party_list_codes=standing.list_codes,
        party_undetermined_reason=standing.undetermined_reason,
        ownership=ownership_of(after, ruling),
    )
