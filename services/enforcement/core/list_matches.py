"""What a list match does to a license: it is recorded, and stops access at once, with no human step.

Screening may tell the same twice; what is known changes nothing. Who may be meant by the match, and by whom that is
judged, is screening's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.enforcement.core.commands import RecordListMatch, SettleListMatch
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.events import (
    Event,
    LicenseSuspended,
    ListMatchRecorded,
    ListMatchSettled,
    StandingChanged,
)
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.core.lifecycle import STANDING_TRANSITIONS, StandingStep, step_standing
from services.enforcement.core.model import ListMatch

REASON: Final = "LIST_MATCH"
"""Reason of a standing that a list match suspended."""


def record(conduct: LicenseConduct, command: RecordListMatch, now: datetime) -> tuple[Event, ...]:
    """The match, and the suspension where the license holds. Nothing of a license that is over, or that is known."""
    standing = conduct.known_standing
    if not STANDING_TRANSITIONS[standing.state] or _is_known(conduct, command):
        return ()
    recorded = ListMatchRecorded(
        conduct.license_id,
        ListMatch(
            command.party_id,
            command.screening_id,
            command.entry_ids,
            command.list_codes,
            command.list_version,
            now,
        ),
    )
    state = step_standing(standing.state, StandingStep.SUSPEND)
    if isinstance(state, Refusal):
        return (recorded,)  # suspended already; it will not be reinstated before this is settled
    changed = replace(
        standing, version=standing.version + 1, state=state, reason=REASON, changed_at=now
    )
    return (
        recorded,
        LicenseSuspended(conduct.license_id, conduct.application_id, None, None, changed.version),
        StandingChanged(changed),
    )


def settle(conduct: LicenseConduct, command: SettleListMatch) -> tuple[Event, ...]:
    """The match of the party is settled; the license stays suspended until officers reinstate it."""
    is_open = any(match.party_id == command.party_id for match in conduct.list_matches)
    return (ListMatchSettled(conduct.license_id, command.party_id),) if is_open else ()


def still_open(conduct: LicenseConduct) -> Refusal | None:
    """LIST_MATCH_OPEN while a list may name a party of the license."""
    if not conduct.list_matches:
        return None
    count = str(len(conduct.list_matches))
    return Refusal(
        Kind.PRECONDITION,
        Reason.LIST_MATCH_OPEN,
        f"{count} list matches are not settled",
        {"openMatches": count},
    )


def _is_known(conduct: LicenseConduct, command: RecordListMatch) -> bool:
    entries = set(command.entry_ids)
    return any(
        match.party_id == command.party_id and entries <= set(match.entry_ids)
        for match in conduct.list_matches
    )
