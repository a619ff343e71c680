"""Reads and updates what screening found about the parties of an application.

Fails closed: a party that was not screened, and a screening without a list, are UNDETERMINED and
never CLEAR.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.applications.core.application_details import (
    ApplicationDetails,
    PartyRole,
)
from services.applications.core.screening_summary import (
    MatchStrength,
    OwnershipAssessment,
    PartyFinding,
    ScreeningResult,
    ScreeningSummary,
)

_OPEN: Final = frozenset({ScreeningResult.POSSIBLE_MATCH, ScreeningResult.CONFIRMED_MATCH})
_WEAKEST_FIRST: Final = (MatchStrength.WEAK, MatchStrength.STRONG, MatchStrength.EXACT)


@dataclass(frozen=True, slots=True)
class Rescreening:
    """The screening from which an updated finding comes, where it is another one than before."""

    screening_id: UUID
    list_version: str
    screened_at: datetime


@dataclass(frozen=True, slots=True)
class PartyUpdate:
    """An update by screening about one party after its first result.

    `rescreening` is None if the update comes from an officer's verdict and not from a screening.
    `ownership` is None if the ownership assessment did not change.
    """

    finding: PartyFinding
    rescreening: Rescreening | None = None
    ownership: OwnershipAssessment | None = None


def updated(screening: ScreeningSummary, update: PartyUpdate) -> ScreeningSummary:
    """Returns the screening with the finding, and what else the update carries, replaced."""
    others = tuple(each for each in screening.findings if each.party_id != update.finding.party_id)
    screening = replace(screening, findings=(*others, update.finding))
    if update.ownership is not None:
        screening = replace(screening, ownership=update.ownership)
    source = update.rescreening
    if source is None:
        return screening
    return replace(
        screening,
        screening_id=source.screening_id,
        list_version=source.list_version,
        screened_at=source.screened_at,
    )


def complete(screening: ScreeningSummary, details: ApplicationDetails) -> ScreeningSummary:
    """Returns the screening with an UNDETERMINED finding for every party that it left out."""
    screened = {finding.party_id for finding in screening.findings}
    missing = tuple(
        PartyFinding(
            party.party_id, ScreeningResult.UNDETERMINED, undetermined_reason="NOT_SCREENED"
        )
        for party in details.parties
        if party.party_id not in screened
    )
    return replace(screening, findings=screening.findings + missing) if missing else screening


def strongest(strengths: Iterable[MatchStrength]) -> MatchStrength | None:
    """Returns the strongest of the strengths, or None if there is none."""
    return max(strengths, key=_WEAKEST_FIRST.index, default=None)


def is_open_hit(finding: PartyFinding) -> bool:
    """Returns True if a list entry may be this party, or an officer confirmed that it is."""
    return finding.result in _OPEN


def is_exact(finding: PartyFinding) -> bool:
    """Returns True if an identifier or the whole name matched and no fact contradicts the match.

    A match that an officer confirmed counts as exact, whatever its strength was.
    """
    return finding.result is ScreeningResult.CONFIRMED_MATCH or (
        finding.result is ScreeningResult.POSSIBLE_MATCH and finding.strength is MatchStrength.EXACT
    )


def is_undetermined(screening: ScreeningSummary, details: ApplicationDetails) -> bool:
    """Returns True if the screening gives no result for some party of the application.

    A screening of parties that the application does not have, or against no list, gives no result
    for any of them.
    """
    full = complete(screening, details)
    unknown_parties = {finding.party_id for finding in full.findings} - {
        party.party_id for party in details.parties
    }
    return (
        bool(unknown_parties)
        or not screening.list_version
        or any(finding.result is ScreeningResult.UNDETERMINED for finding in full.findings)
    )


def exactly_matched(screening: ScreeningSummary) -> frozenset[str]:
    """Returns the ids of the parties with an exact match."""
    return frozenset(finding.party_id for finding in screening.findings if is_exact(finding))


def participants(details: ApplicationDetails) -> frozenset[str]:
    """Returns the ids of the parties that do more than own a share.

    15 CFR 744.11 speaks of parties to the transaction. A beneficial owner that has no other role is
    judged by the rules of ownership instead.
    """
    owner_only = (PartyRole.BENEFICIAL_OWNER,)
    return frozenset(party.party_id for party in details.parties if party.roles != owner_only)
