"""The commands for an application at screening.

Ids and facts come with the command; knows no rule.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from services.screening.core.events import ScreeningCompleted
from services.screening.core.model import Strength
from services.screening.core.records import HitAct, HitVerdict


@dataclass(frozen=True, slots=True)
class Officer:
    """The officer who acts. `affiliation` is the partner that the officer belongs to, if any."""

    officer_id: str
    affiliation: str | None


@dataclass(frozen=True, slots=True)
class CompleteScreening:
    """Record a screening.

    Its screening_id is derived from the submission, so that a submission that is consumed twice
    has one screening.
    """

    screening: ScreeningCompleted


@dataclass(frozen=True, slots=True)
class Rescreen:
    """Record a new screening after a list changed.

    entry_ids: entries that were added or changed.
    """

    screening: ScreeningCompleted
    entry_ids: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class MonitorLicense:
    """Monitor an issued license. decided_on: the screening its decision rests on; None: unknown."""

    license_id: UUID
    decided_on: UUID | None


@dataclass(frozen=True, slots=True)
class EndMonitoring:
    """End the monitoring. because: name of the event that ended application and license."""

    because: str


@dataclass(frozen=True, slots=True)
class AdjudicateHit:
    """Record an officer's verdict on a hit.

    two_officers: strengths of which a false positive is only proposed.
    """

    officer: Officer
    hit_id: UUID
    verdict: HitVerdict
    rationale: str
    two_officers: AbstractSet[Strength] = frozenset({Strength.EXACT, Strength.STRONG})


@dataclass(frozen=True, slots=True)
class ConfirmClearing:
    """Confirm another officer's proposal to clear a hit."""

    officer: Officer
    hit_id: UUID
    clearing_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class RejectClearing:
    """Reject another officer's proposal to clear a hit."""

    officer: Officer
    hit_id: UUID
    clearing_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class ApplyPastVerdict:
    """Clear a hit because the same party and entry were judged before.

    past_hit_id: the hit that was judged, possibly of another application. act: that verdict.
    """

    hit_id: UUID
    past_hit_id: UUID
    act: HitAct


@dataclass(frozen=True, slots=True)
class WithdrawVerdict:
    """Withdraw the verdict on a hit that the officer read, `verdict_id`."""

    officer: Officer
    hit_id: UUID
    verdict_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class ReopenHit:
    """Open a hit again that was cleared because of a verdict which was withdrawn.

    withdrawn_hit_id: the hit, of another application, that was judged. act: the withdrawal.
    """

    hit_id: UUID
    withdrawn_hit_id: UUID
    act: HitAct


Command = (
    CompleteScreening
    | Rescreen
    | MonitorLicense
    | EndMonitoring
    | AdjudicateHit
    | ConfirmClearing
    | RejectClearing
    | ApplyPastVerdict
    | WithdrawVerdict
    | ReopenHit
)
