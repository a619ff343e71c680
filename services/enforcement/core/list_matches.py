"""Decides on list matches: a match is recorded and suspends the license at once, without officers.

Screening may publish the same match twice; a known match changes nothing. Whether a match is the
party is adjudicated in the screening service.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from safeconduct.standing import StandingCause, StandingState

from services.enforcement.core.commands import FollowHitVerdict, RecordListMatch
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.events import (
    Event,
    LicenseSuspended,
    ListMatchRecorded,
    ListMatchSettled,
)
from services.enforcement.core.lifecycle import fits_license
from services.enforcement.core.model import LicenseConduct, LicenseState, ListMatch
from services.enforcement.core.standings import change_standing

LIST_MATCH: Final = StandingCause(None, None, is_list_match=True)


def record_match(
    conduct: LicenseConduct | None, command: RecordListMatch, now: datetime
) -> tuple[Event, ...]:
    """Returns the match, and the suspension if the license is ACTIVE.

    Returns no event if the match is known or the license is revoked. The match of a license that is
    not registered yet suspends it when it is registered.
    """
    match = ListMatch(
        command.party_id,
        command.screening_id,
        command.entry_ids,
        command.list_codes,
        command.list_version,
        now,
    )
    return _record(conduct, command.license_id, match)


def follow_verdict(
    conduct: LicenseConduct | None, command: FollowHitVerdict, now: datetime
) -> tuple[Event, ...]:
    """Returns the match that the verdict leaves open, or the settlement if it leaves none.

    A settled match does not end the suspension; two officers reinstate the license.
    """
    if not command.is_false_positive:
        match = ListMatch(
            command.party_id, None, command.open_entry_ids, command.list_codes, "", now
        )
        return _record(conduct, command.license_id, match)
    if command.open_entry_ids:
        return ()  # other entries may still be the party, so its match stays open
    matches = () if conduct is None else conduct.list_matches
    is_open = any(match.party_id == command.party_id for match in matches)
    return (ListMatchSettled(command.license_id, command.party_id),) if is_open else ()


def _record(
    conduct: LicenseConduct | None, license_id: UUID, match: ListMatch
) -> tuple[Event, ...]:
    recorded = ListMatchRecorded(license_id, match)
    if conduct is None:
        return (recorded,)
    if conduct.state is LicenseState.REVOKED or _is_known(conduct, match):
        return ()
    if not conduct.is_registered or not fits_license(conduct.state, LicenseSuspended):
        # Not registered yet, or suspended already. The match prevents a reinstatement until it is
        # settled.
        return (recorded,)
    changed = change_standing(conduct, StandingState.SUSPENDED, LIST_MATCH, match.recorded_at)
    version = changed.standing.version
    suspended = LicenseSuspended(conduct.license_id, conduct.application_id, None, None, version)
    return (recorded, suspended, changed)


def check_list_matches(conduct: LicenseConduct) -> Refusal | None:
    """Returns LIST_MATCH_OPEN while a list may name a party of the license."""
    if not conduct.list_matches:
        return None
    count = str(len(conduct.list_matches))
    return Refusal(
        Kind.PRECONDITION,
        Reason.LIST_MATCH_OPEN,
        f"{count} list matches are not settled",
        {"openMatches": count},
    )


def _is_known(conduct: LicenseConduct, match: ListMatch) -> bool:
    entries = set(match.entry_ids)
    return any(
        known.party_id == match.party_id and entries <= set(known.entry_ids)
        for known in conduct.list_matches
    )
