"""What screening's assessment of owners means for a decision. Who owns whom, and by which rule, is screening's to say.

Fails closed: owners that were never assessed, and shares that nobody stated, are not known, never clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from services.applications.core.model import (
    ApplicationDetails,
    OwnershipCause,
    OwnershipFinding,
    OwnershipResult,
    PartyRole,
    ScreeningSummary,
)

_NOT_KNOWN: Final = frozenset({OwnershipCause.UNKNOWN_SHARE, OwnershipCause.UNKNOWN_HOLDING})


def has_unknown(details: ApplicationDetails, screening: ScreeningSummary) -> bool:
    """True: a share is not stated, a beneficial owner does not say of whom, or owners were never assessed."""
    owners = [
        party
        for party in details.parties
        if party.owns or PartyRole.BENEFICIAL_OWNER in party.roles
    ]
    is_silent = any(
        not party.owns or any(stake.at_least_percent is None for stake in party.owns)
        for party in owners
    )
    is_assessed = screening.ownership is not None or not owners
    return (
        is_silent
        or not is_assessed
        or any(each.cause in _NOT_KNOWN for each in _findings(screening))
    )


def rules_met(screening: ScreeningSummary) -> Mapping[str, str]:
    """What is owned by listed parties, by the id of the rule that says so, in sentences by party ids."""
    met: dict[str, list[str]] = {}
    for each in _findings(screening):
        if each.result is OwnershipResult.BLOCKED:
            met.setdefault(each.rule_id, []).append(each.explanation)
    return {rule_id: " ".join(sentences) for rule_id, sentences in met.items()}


def red_flags(screening: ScreeningSummary) -> tuple[str, ...]:
    """What else of the owners an officer has to look at, in sentences by party ids."""
    return tuple(
        each.explanation for each in _findings(screening) if each.result is OwnershipResult.RED_FLAG
    )


def largest_percent(screening: ScreeningSummary, lists: frozenset[str] | None = None) -> float:
    """The largest share that listed parties, all on one of `lists` when given, hold in a party for sure."""
    shares = (
        each.at_least_percent
        for each in _findings(screening)
        if lists is None or lists >= frozenset(each.list_codes)
    )
    return max(shares, default=0.0)


def _findings(screening: ScreeningSummary) -> Iterable[OwnershipFinding]:
    return screening.ownership.findings if screening.ownership is not None else ()
