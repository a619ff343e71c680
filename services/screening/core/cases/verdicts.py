"""The events that follow from a verdict on a hit. Clearing a hit may require a second officer.

Knows no clock: the time of an act comes from outside.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.screening.core.cases.standing import ownership_of, standing_of
from services.screening.core.commands import (
    AdjudicateHit,
    ApplyPastVerdict,
    ConfirmClearing,
    Officer,
    RejectClearing,
)
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import (
    Event,
    HitAdjudicated,
    HitClearingProposed,
    HitClearingRejected,
)
from services.screening.core.evolve import KnownHit, ScreenedApplication, evolve
from services.screening.core.lifecycle import HIT_TRANSITIONS, UNDECIDED, wrong_state
from services.screening.core.ownership.rules import Ruling
from services.screening.core.records import HitAct, HitVerdict, ScreeningResult

FALSE_POSITIVE: Final = HitVerdict.FALSE_POSITIVE
NO_HIT: Final = Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "no hit with this id")
NOT_PENDING: Final = Refusal(
    Kind.NOT_FOUND,
    Reason.NOT_FOUND,
    "no pending proposal with this clearing_id; read the hit again",
)


def adjudicate(
    application: ScreenedApplication | None, command: AdjudicateHit, now: datetime, ruling: Ruling
) -> tuple[Event, ...] | Refusal:
    """Returns the event of an officer's verdict, or the refusal.

    Clearing a hit of certain strengths is proposed only: a second officer confirms or rejects it.
    """
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None:
        return NO_HIT
    conflict = conflict_of(application, command.officer)
    if conflict is not None:
        return conflict
    is_proposal = hit.hit.strength in command.two_officers and command.verdict is FALSE_POSITIVE
    if (HitClearingProposed if is_proposal else HitAdjudicated) not in HIT_TRANSITIONS[hit.state]:
        return wrong_state(hit.state, command)
    act = HitAct(command.officer.officer_id, command.rationale, now)
    if is_proposal:
        clearing_id = hit.next_clearing_id
        return (HitClearingProposed(application.application_id, hit.hit_id, act, clearing_id),)
    return (_adjudicated(application, hit, command.verdict, act, None, ruling),)


def confirm_clearing(
    application: ScreenedApplication | None, command: ConfirmClearing, now: datetime, ruling: Ruling
) -> tuple[Event, ...] | Refusal:
    """Returns the event that clears the hit, or the refusal."""
    pending = _pending(application, command)
    if isinstance(pending, Refusal):
        return pending
    screened, hit = pending
    act = HitAct(command.officer.officer_id, command.rationale, now)
    return (_adjudicated(screened, hit, FALSE_POSITIVE, act, None, ruling),)


def reject_clearing(
    application: ScreenedApplication | None, command: RejectClearing, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the event that opens the hit again, or the refusal."""
    pending = _pending(application, command)
    if isinstance(pending, Refusal):
        return pending
    screened, hit = pending
    act = HitAct(command.officer.officer_id, command.rationale, now)
    return (HitClearingRejected(screened.application_id, hit.hit_id, command.clearing_id, act),)


def _pending(
    application: ScreenedApplication | None, command: ConfirmClearing | RejectClearing
) -> tuple[ScreenedApplication, KnownHit] | Refusal:
    """Returns the hit whose proposal a second officer answers, or the refusal."""
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None:
        return NO_HIT
    conflict = conflict_of(application, command.officer)
    if conflict is not None:
        return conflict
    if hit.pending_clearing_id is None:
        return wrong_state(hit.state, command)
    if hit.pending_clearing_id != command.clearing_id:
        return NOT_PENDING
    if hit.acts[-1].officer_id == command.officer.officer_id:
        return _same_officer(command.officer.officer_id)
    return application, hit


def apply_past_verdict(
    application: ScreenedApplication | None, command: ApplyPastVerdict, ruling: Ruling
) -> tuple[Event, ...]:
    """Returns the event that clears the hit, or nothing if the hit is decided or unknown."""
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None or hit.state not in UNDECIDED:
        return ()
    act, past_hit_id = command.act, command.past_hit_id
    return (_adjudicated(application, hit, FALSE_POSITIVE, act, past_hit_id, ruling),)


def conflict_of(application: ScreenedApplication, officer: Officer) -> Refusal | None:
    """Returns CONFLICT_OF_INTEREST if the officer belongs to the applying partner, else None."""
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
    message = "the officer who proposed to clear the hit cannot confirm or reject it"
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
        party_open_hit_ids=standing.hit_ids,
    )
