"""How much of each party is owned by listed parties, directly and through others. Knows shares, not rules.

Shares of several listed owners add up. What a listed party holds through another counts when it owns half or more of
that other, and then with the other's whole share (OFAC, FAQ 401); a smaller stake is not passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from services.applications.core.model import Party, PartyRole

CONTROL_PERCENT: Final = 50.0


@dataclass(frozen=True, slots=True)
class OwnershipPicture:
    """Percent of each party held by listed parties, and the shares (owner, owned) that nobody stated."""

    listed_percent: Mapping[str, float]
    unknown: tuple[tuple[str, str], ...]

    @property
    def largest(self) -> float:
        """The largest aggregate share over all parties, percent, at most 100."""
        return max(self.listed_percent.values(), default=0.0)


def picture(parties: tuple[Party, ...], listed: AbstractSet[str]) -> OwnershipPicture:
    """The picture for `listed` party ids. A cycle of owners adds nothing by itself: the least solution holds."""
    edges = [
        (party.party_id, stake.owned_party_id, stake.share_percent)
        for party in parties
        for stake in party.owns
        if stake.owned_party_id != party.party_id and stake.share_percent is not None
    ]
    captured = set(listed)
    while True:
        held = {party.party_id: 0.0 for party in parties}
        for owner, owned, share in edges:
            if owner in captured:
                held[owned] = min(100.0, held.get(owned, 0.0) + share)
        grown = captured | {party_id for party_id, percent in held.items() if percent >= CONTROL_PERCENT}
        if grown == captured:
            return OwnershipPicture(held, unknown_shares(parties))
        captured = grown


def unknown_shares(parties: tuple[Party, ...]) -> tuple[tuple[str, str], ...]:
    """Stakes without a share, and beneficial owners who do not say what they own (owned = empty)."""
    stakes = [
        (party.party_id, stake.owned_party_id)
        for party in parties
        for stake in party.owns
        if stake.share_percent is None
    ]
    silent = [(party.party_id, "") for party in parties if PartyRole.BENEFICIAL_OWNER in party.roles and not party.owns]
    return (*stakes, *silent)
