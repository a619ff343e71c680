"""Finds the hits of a case that no officer has cleared. They bar an approval.

An officer may recommend an approval in spite of them, with a reason. Such an approval needs one
more countersignature than policy asks for, and a countersigner of the highest tier. Where the hits
of a party are not known, they count as open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.applications.core.application_details import ApplicationDetails
from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.model import (
    Countersignature,
    OpenHitsOverride,
    Outcome,
    Recommendation,
)
from services.applications.core.screening_findings import complete, is_open_hit
from services.applications.core.screening_summary import (
    PartyFinding,
    ScreeningResult,
    ScreeningSummary,
)

HIGHEST_TIER: Final = 3
"""The highest clearance of an officer. A case needs it before policy was evaluated."""
MOST_NAMED: Final = 5
"""Hits, and parties, that a refusal names: a value of its metadata has 200 characters at most."""
_UNKNOWN: Final = frozenset({"", "NOT_SCREENED", "HITS_OMITTED"})
"""Reasons of UNDETERMINED with which a party may have hits that were not reported."""


@dataclass(frozen=True, slots=True)
class OpenHits:
    """The hits that no officer has cleared, and the parties of which the hits are not known."""

    hit_ids: tuple[str, ...]
    party_ids: tuple[str, ...]

    def __bool__(self) -> bool:
        """Returns True if there is any."""
        return bool(self.hit_ids or self.party_ids)


def open_hits(screening: ScreeningSummary | None, details: ApplicationDetails) -> OpenHits:
    """Returns the open hits of an application. A hit that an officer confirmed counts as open."""
    if screening is None:
        return OpenHits((), tuple(party.party_id for party in details.parties))
    findings = complete(screening, details).findings
    return OpenHits(
        tuple(hit_id for finding in findings for hit_id in finding.open_hit_ids),
        tuple(finding.party_id for finding in findings if _is_unknown(finding)),
    )


def override(found: OpenHits, outcome: Outcome, reason: str) -> OpenHitsOverride | Refusal | None:
    """Returns the override that a recommendation carries, None if it needs none, or OPEN_HITS."""
    if outcome is not Outcome.APPROVE or not found:
        return None
    return OpenHitsOverride(reason, found.hit_ids, found.party_ids) if reason else refusal(found)


def not_overridden(found: OpenHits, recommendation: Recommendation) -> OpenHits:
    """Returns the open hits that the recommendation, if it is an approval, does not name."""
    named = recommendation.open_hits_override
    if recommendation.outcome is not Outcome.APPROVE:
        return OpenHits((), ())
    if named is None:
        return found
    return OpenHits(
        tuple(each for each in found.hit_ids if each not in named.hit_ids),
        tuple(each for each in found.party_ids if each not in named.party_ids),
    )


def refusal(found: OpenHits) -> Refusal:
    """Returns OPEN_HITS, naming the hits and the parties of which the hits are not known."""
    metadata = {
        "hitIds": ",".join(found.hit_ids[:MOST_NAMED]),
        "hitCount": str(len(found.hit_ids)),
        "partyIds": ",".join(found.party_ids[:MOST_NAMED]),
    }
    message = (
        "hits of this application are not cleared; judge them, or recommend again with "
        "open_hits_override, which asks for one more officer of the highest tier"
    )
    return Refusal(Kind.PRECONDITION, Reason.OPEN_HITS, message, metadata)


def signatures_needed(recommendation: Recommendation, by_policy: int) -> int:
    """Returns the number of countersignatures, where policy asks for `by_policy`."""
    return max(1, by_policy) + (recommendation.open_hits_override is not None)


def lacks_highest_tier(recommendation: Recommendation, last: Countersignature) -> bool:
    """Returns True if an override would be decided without a countersigner of the highest tier."""
    signatures = (*recommendation.countersignatures, last)
    return recommendation.open_hits_override is not None and all(
        each.tier < HIGHEST_TIER for each in signatures
    )


def _is_unknown(finding: PartyFinding) -> bool:
    if finding.result is ScreeningResult.UNDETERMINED:
        return finding.undetermined_reason in _UNKNOWN
    return is_open_hit(finding) and not finding.open_hit_ids
