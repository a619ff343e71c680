"""Recognises military and military-intelligence applications, as the law defines them.

The definitions are in the code and not in `policy/reference.yaml`, so that no file can narrow them:
they bar automatic approval under every policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.applications.core.application_details import (
    ApplicationDetails,
    EndUse,
    Sector,
)

MILITARY_USES: Final = frozenset({EndUse.MILITARY, EndUse.AUTONOMOUS_WEAPONS})
"""15 CFR 744.21(f)."""
MILITARY_SECTORS: Final = frozenset({Sector.MILITARY})
"""15 CFR 744.21(g)."""
MILITARY_INTELLIGENCE_USES: Final = frozenset({EndUse.MILITARY_INTELLIGENCE})
"""15 CFR 744.22(f)."""
MILITARY_INTELLIGENCE_SECTORS: Final = frozenset({Sector.INTELLIGENCE})
"""15 CFR 744.22(f)."""


def is_military(details: ApplicationDetails) -> bool:
    """Returns True if a military end use is named or any party is a military end user."""
    return bool(
        MILITARY_USES.intersection(details.end_uses)
        or MILITARY_SECTORS.intersection(_sectors(details))
    )


def is_military_intelligence(details: ApplicationDetails) -> bool:
    """Returns True if a military-intelligence end use is named or a party is such an end user."""
    return bool(
        MILITARY_INTELLIGENCE_USES.intersection(details.end_uses)
        or MILITARY_INTELLIGENCE_SECTORS.intersection(_sectors(details))
    )


def _sectors(details: ApplicationDetails) -> Iterable[Sector | None]:
    return (party.sector for party in details.parties)
