"""The rules for verdicts on hits, as data: who must agree, and how long a verdict is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.screening.core.model import Strength


@dataclass(frozen=True, slots=True)
class HitRules:
    """The rules for verdicts on hits.

    two_officers: strengths of hits that two officers must clear. false_positive_days: days for
    which a FALSE_POSITIVE clears the same pair of party and entry in other applications.
    """

    two_officers: frozenset[Strength]
    false_positive_days: int

    def remembered_since(self, now: datetime) -> datetime:
        """Returns the time after which a verdict must have been given to be remembered at `now`."""
        return now - timedelta(days=self.false_positive_days)
