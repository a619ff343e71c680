"""What a screening says about an application: who is hit, who is exactly matched, and for whom it could not be told.

Fails closed: a party that was not screened, and a screening without a list, are undetermined, never clear.
"""

from __future__ import annotations

from dataclasses import replace

from services.applications.core.model import (
    ApplicationDetails,
    MatchStrength,
    PartyFinding,
    PartyRole,
    ScreeningResult,
    ScreeningSummary,
)

_OPEN = frozenset({ScreeningResult.POSSIBLE_MATCH, ScreeningResult.CONFIRMED_MATCH})


def complete(screening: ScreeningSummary, details: ApplicationDetails) -> ScreeningSummary:
    """The screening with an UNDETERMINED finding for every party that it left out."""
    screened = {finding.party_id for finding in screening.findings}
    missing = tuple(
        PartyFinding(
            party.party_id, ScreeningResult.UNDETERMINED, undetermined_reason="NOT_SCREENED"
        )
        for party in details.parties
        if party.party_id not in screened
    )
    return replace(screening, findings=screening.findings + missing) if missing else screening


def revised(screening: ScreeningSummary, finding: PartyFinding) -> ScreeningSummary:
    """The screening with another finding about one party."""
    others = tuple(each for each in screening.findings if each.party_id != finding.party_id)
    return replace(screening, findings=(*others, finding))


def is_open_hit(finding: PartyFinding) -> bool:
    """True: some entry may be, or is, this party."""
    return finding.result in _OPEN


def is_exact(finding: PartyFinding) -> bool:
    """True: identifier or whole name matched and nothing contradicts, or an officer confirmed it."""
    return finding.result is ScreeningResult.CONFIRMED_MATCH or (
        finding.result is ScreeningResult.POSSIBLE_MATCH and finding.strength is MatchStrength.EXACT
    )


def is_undetermined(screening: ScreeningSummary, details: ApplicationDetails) -> bool:
    """True: for some party it could not be told, or the screening is of other parties or of no list."""
    full = complete(screening, details)
    strangers = {finding.party_id for finding in full.findings} - {
        party.party_id for party in details.parties
    }
    return (
        bool(strangers)
        or not screening.list_version
        or any(finding.result is ScreeningResult.UNDETERMINED for finding in full.findings)
    )


def exactly_matched(screening: ScreeningSummary) -> frozenset[str]:
    """Party ids that are exactly matched."""
    return frozenset(finding.party_id for finding in screening.findings if is_exact(finding))


def participants(details: ApplicationDetails) -> frozenset[str]:
    """Party ids of those who do more than own a share; 15 CFR 744.11 speaks of parties to the transaction."""
    owner_only = (PartyRole.BENEFICIAL_OWNER,)
    return frozenset(party.party_id for party in details.parties if party.roles != owner_only)
