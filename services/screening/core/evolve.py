"""The state of an application at screening, and how events change it.

One stream for each application.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never
from uuid import UUID

from services.screening.core.events import (
    Event,
    HitAdjudicated,
    HitClearingProposed,
    HitClearingRejected,
    LicenseMonitored,
    MonitoringEnded,
    PartyListed,
    ScreeningCompleted,
    VerdictWithdrawn,
)
from services.screening.core.identity import clearing_id_of, hit_id_of, verdict_id_of
from services.screening.core.lifecycle import (
    DECIDED,
    UNDECIDED,
    ImpossibleEvent,
    ScreenedState,
    next_hit_state,
    next_state,
)
from services.screening.core.records import HitAct, HitState, PartyScreening, RecordedHit


@dataclass(frozen=True, slots=True)
class KnownHit:
    """A hit with its state and all acts of officers on it, oldest first.

    party_content: digest of the party as it was declared when the hit was found. remembered_hit_id:
    the hit whose verdict was applied to this one, None if an officer judged this one. withdrawn:
    the latest withdrawal of a verdict on this hit.
    """

    hit_id: UUID
    party_id: str
    party_content: str
    state: HitState
    hit: RecordedHit
    list_version: str
    found_at: datetime
    acts: tuple[HitAct, ...] = ()
    remembered_hit_id: UUID | None = None
    withdrawn: HitAct | None = None

    @property
    def verdict_id(self) -> UUID | None:
        """Id of the verdict in force, or None if the hit is not decided."""
        return verdict_id_of(self.hit_id, len(self.acts)) if self.state in DECIDED else None

    @property
    def cleared_at(self) -> datetime | None:
        """Time at which officers cleared this hit; None if they did not, or cleared another one."""
        is_own = bool(self.acts) and self.remembered_hit_id is None
        return self.acts[-1].acted_at if is_own and self.state is HitState.FALSE_POSITIVE else None

    @property
    def next_clearing_id(self) -> UUID:
        """Id of the proposal, if the next act on the hit proposes to clear it."""
        return clearing_id_of(self.hit_id, len(self.acts) + 1)

    @property
    def pending_clearing_id(self) -> UUID | None:
        """Id of the pending proposal to clear the hit, or None.

        It is derived, not stored, so that proposals from before they had ids have one too.
        """
        if self.state is not HitState.CLEARING_PROPOSED:
            return None
        return clearing_id_of(self.hit_id, len(self.acts))


STATE_SCHEMA: Final = 2
"""Number of the shape of ScreenedApplication and of its events (see Stream.schema)."""


@dataclass(frozen=True, slots=True)
class ScreenedApplication:
    """An application at screening.

    version: number of its events. latest: its latest screening. listed: the PartyListed events of
    its latest re-screening, which a license that is issued later may have to hear of.
    """

    application_id: UUID
    partner_id: str
    version: int
    state: ScreenedState
    latest: ScreeningCompleted
    hits: tuple[KnownHit, ...] = ()
    license_id: UUID | None = None
    listed: tuple[PartyListed, ...] = ()

    def find(self, hit_id: UUID) -> KnownHit | None:
        """Returns the hit of this id, or None."""
        return next((hit for hit in self.hits if hit.hit_id == hit_id), None)


def evolve(application: ScreenedApplication | None, event: Event) -> ScreenedApplication:
    """Returns the application after the event. Raises ImpossibleEvent."""
    state = next_state(application.state if application is not None else None, event)
    if isinstance(event, ScreeningCompleted):
        return _screened(application, event, state)
    assert application is not None, "the table allows only ScreeningCompleted without a screening"
    moved = replace(application, version=application.version + 1, state=state)
    match event:
        case PartyListed():
            # Only the latest re-screening counts: an earlier one was decided on or is replaced.
            listed = tuple(each for each in moved.listed if each.screening_id == event.screening_id)
            return replace(moved, listed=(*listed, event))
        case HitClearingProposed(hit_id=hit_id, proposed_by=act):
            return _acted(moved, event, hit_id, act, HitState.CLEARING_PROPOSED)
        case HitClearingRejected(hit_id=hit_id, rejected_by=act):
            return _acted(moved, event, hit_id, act, HitState.OPEN)
        case HitAdjudicated(hit_id=hit_id, verdict=verdict, decided_by=act):
            past_hit_id = event.remembered_hit_id
            return _acted(moved, event, hit_id, act, HitState(verdict), past_hit_id)
        case VerdictWithdrawn():
            return _withdrawn(moved, event)
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


def _known(
    event: ScreeningCompleted, party: PartyScreening, hit: RecordedHit, content: str
) -> KnownHit:
    # Screenings recorded before single hits were judged have neither hit ids nor states.
    hit_id = hit.hit_id or hit_id_of(
        event.application_id, party.party_id, hit.entry_id, content, hit.entry_content
    )
    state = hit.state or HitState.OPEN
    return KnownHit(
        hit_id,
        party.party_id,
        content,
        state,
        hit,
        event.list_version,
        event.screened_at,
        remembered_hit_id=hit.remembered_hit_id,
    )


def _merged(known: tuple[KnownHit, ...], event: ScreeningCompleted) -> tuple[KnownHit, ...]:
    """Returns the known hits with their verdicts, followed by the new ones.

    An undecided hit is superseded if the event has a newer hit of the same entry, or if its party
    changed. An undecided hit whose entry left its list stays: an officer decides it, since a list
    that lost an entry by mistake must not clear anybody.
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
            kept.append(replace(hit, state=next_hit_state(hit.state, event, HitState.SUPERSEDED)))
        else:
            kept.append(hit)
    return (*kept, *found.values())


def _acted(
    application: ScreenedApplication,
    event: Event,
    hit_id: UUID,
    act: HitAct,
    target: HitState,
    past_hit_id: UUID | None = None,
) -> ScreenedApplication:
    def acted(hit: KnownHit) -> KnownHit:
        state, acts = next_hit_state(hit.state, event, target), (*hit.acts, act)
        return replace(hit, state=state, acts=acts, remembered_hit_id=past_hit_id)

    return _with_hit(application, hit_id, acted)


def _withdrawn(application: ScreenedApplication, event: VerdictWithdrawn) -> ScreenedApplication:
    hit, act = application.find(event.hit_id), event.withdrawn_by
    target = HitState.SUPERSEDED if hit and _is_replaced(application, hit) else HitState.OPEN
    moved = _acted(application, event, event.hit_id, act, target)
    return _with_hit(moved, event.hit_id, lambda hit: replace(hit, withdrawn=act))


def _is_replaced(application: ScreenedApplication, hit: KnownHit) -> bool:
    """Returns True if the hit's party or entry has changed since it was found."""
    declared = {each.party_id: each.content for each in application.latest.subjects}
    if declared and declared.get(hit.party_id) != hit.party_content:
        return True
    same = [
        each.hit_id
        for each in application.hits
        if (each.party_id, each.hit.entry_id) == (hit.party_id, hit.hit.entry_id)
    ]
    return same[-1] != hit.hit_id


def _with_hit(
    application: ScreenedApplication, hit_id: UUID, change: Callable[[KnownHit], KnownHit]
) -> ScreenedApplication:
    if application.find(hit_id) is None:
        raise ImpossibleEvent(f"an act on hit {hit_id}, which the application does not have")
    hits = tuple(change(hit) if hit.hit_id == hit_id else hit for hit in application.hits)
    return replace(application, hits=hits)
