"""Reads screening's ownership assessment for policy. The ownership rules are screening's.

Fails closed: owners that were never assessed, and shares that are not stated, count as not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from services.applications.core.application_details import (
    ApplicationDetails,
    PartyRole,
)
from services.applications.core.screening_summary import (
    OwnershipCause,
    OwnershipFinding,
    OwnershipResult,
    ScreeningSummary,
)

_NOT_KNOWN: Final = frozenset({OwnershipCause.UNKNOWN_SHARE, OwnershipCause.UNKNOWN_HOLDING})


def has_unknown(details: ApplicationDetails, screening: ScreeningSummary) -> bool:
    """Returns True if a share or what an owner owns is not stated, or owners were not assessed."""
    owners = [
        party
        for party in details.parties
        if party.owns or PartyRole.BENEFICIAL_OWNER in party.roles
    ]
    is_share_missing = any(
        not party.owns or any(stake.at_least_percent is None for stake in party.owns)
        for party in owners
    )
    is_assessed = screening.ownership is not None or not owners
    return (
        is_share_missing
        or not is_assessed
        or any(each.cause in _NOT_KNOWN for each in _findings(screening))
    )


def rules_met(screening: ScreeningSummary) -> Mapping[str, str]:
    """Returns the ownership rules that are certainly met, with their findings in sentences."""
    met: dict[str, list[str]] = {}
    for each in _findings(screening):
        if each.result is OwnershipResult.BLOCKED:
            met.setdefault(each.rule_id, []).append(each.explanation)
    return {rule_id: " ".join(sentences) for rule_id, sentences in met.items()}


def red_flags(screening: ScreeningSummary) -> tuple[str, ...]:
    """Returns the findings that an officer must review, in sentences by party ids."""
    return tuple(
        each.explanation for each in _findings(screening) if each.result is OwnershipResult.RED_FLAG
    )


def largest_percent(screening: ScreeningSummary, lists: frozenset[str] | None = None) -> float:
    """Returns the largest share in percent that listed parties certainly hold in a party.

    With `lists`, only findings count whose owners are on no other list.
    """
    shares = (
        each.at_least_percent
        for each in _findings(screening)
        if lists is None or lists >= frozenset(each.list_codes)
    )
    return max(shares, default=0.0)


def _findings(screening: ScreeningSummary) -> Iterable[OwnershipFinding]:
    return screening.ownership.findings if screening.ownership is not None else ()
