"""The withdrawal of a verdict: the hit is open again, here and where the verdict applied.

A hit that is open again is published as a list match is, so that every consumer stops what rested
on the verdict. Knows no clock: the time of an act comes from outside.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.screening.core.cases.monitoring import party_listed
from services.screening.core.cases.standing import ownership_of, standing_of
from services.screening.core.cases.verdicts import NO_HIT, conflict_of
from services.screening.core.commands import ReopenHit, WithdrawVerdict
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import Event, PartyListed, VerdictWithdrawn
from services.screening.core.evolve import KnownHit, ScreenedApplication, evolve
from services.screening.core.identity import reopening_id_of
from services.screening.core.lifecycle import DECIDED, MONITORED, wrong_state
from services.screening.core.ownership.rules import Ruling
from services.screening.core.records import HitAct, HitState, HitVerdict

NOT_IN_FORCE: Final = Refusal(
    Kind.NOT_FOUND,
    Reason.NOT_FOUND,
    "no verdict with this verdict_id is in force; read the hit again",
)


def withdraw(
    application: ScreenedApplication | None, command: WithdrawVerdict, now: datetime, ruling: Ruling
) -> tuple[Event, ...] | Refusal:
    """Returns the events that open the hit again, or the refusal."""
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None:
        return NO_HIT
    conflict = conflict_of(application, command.officer)
    if conflict is not None:
        return conflict
    if hit.state not in DECIDED:
        return wrong_state(hit.state, command)
    if hit.verdict_id != command.verdict_id:
        return NOT_IN_FORCE
    if hit.remembered_hit_id is not None:
        return _remembered(hit.remembered_hit_id)
    act = HitAct(command.officer.officer_id, command.rationale, now)
    return _events(application, hit, act, None, ruling)


def reopen(
    application: ScreenedApplication | None, command: ReopenHit, ruling: Ruling
) -> tuple[Event, ...]:
    """Returns the events that open the hit again, or () if its verdict is not the withdrawn one.

    A hit that an earlier release cleared from memory does not name the verdict. It is opened again
    as well.
    """
    hit = application.find(command.hit_id) if application is not None else None
    if application is None or hit is None or hit.state is not HitState.FALSE_POSITIVE:
        return ()
    is_of_earlier_release = hit.remembered_hit_id is None and not hit.acts
    if hit.remembered_hit_id != command.withdrawn_hit_id and not is_of_earlier_release:
        return ()
    return _events(application, hit, command.act, command.withdrawn_hit_id, ruling)


def _remembered(hit_id: UUID) -> Refusal:
    message = f"this hit was cleared because of the verdict on hit {hit_id}; withdraw that verdict"
    metadata = {"rememberedHitId": str(hit_id)}
    return Refusal(Kind.PRECONDITION, Reason.REMEMBERED_VERDICT, message, metadata)


def _events(
    application: ScreenedApplication,
    hit: KnownHit,
    act: HitAct,
    withdrawn_hit_id: UUID | None,
    ruling: Ruling,
) -> tuple[Event, ...]:
    """Returns PartyListed, if the hit is open again, and VerdictWithdrawn.

    PartyListed comes first: an earlier release of a consumer knows it, and parks what follows an
    event that it does not know.
    """
    event = VerdictWithdrawn(
        application_id=application.application_id,
        license_id=application.license_id,
        party_id=hit.party_id,
        hit_id=hit.hit_id,
        entry_id=hit.hit.entry_id,
        verdict=HitVerdict(hit.state),
        withdrawn_by=act,
        withdrawn_hit_id=withdrawn_hit_id,
    )
    after = evolve(application, event)
    reopened = after.find(hit.hit_id)
    assert reopened is not None, "an act removes no hit"
    if reopened.state is not HitState.OPEN or application.state not in MONITORED:
        return (event,)
    return (*_published(application, after, reopened, ruling), event)


def _published(
    before: ScreenedApplication, after: ScreenedApplication, hit: KnownHit, ruling: Ruling
) -> tuple[PartyListed, ...]:
    """Returns PartyListed of the hit's party, and again of matches that no license knows yet.

    The application keeps the matches of one screening only, for a license that is being signed.
    """
    matches = {hit.party_id: (hit.hit.entry_id,)}
    if before.license_id is None:
        for each in before.listed:
            entries = (*each.new_entry_ids, *matches.get(each.party_id, ()))
            matches[each.party_id] = tuple(dict.fromkeys(entries))
    ownership = ownership_of(after, ruling)
    reopening_id = reopening_id_of(hit.hit_id, len(hit.acts))
    return tuple(
        replace(party_listed(after, party_id, entries, ownership), screening_id=reopening_id)
        for party_id, entries in matches.items()
        if standing_of(after, party_id).strength is not None
    )
