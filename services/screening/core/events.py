"""The events of an application at screening. Each class is a message of events.proto.

Knows no state and no command.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.screening.core.model import Strength
from services.screening.core.ownership.assessment import OwnershipAssessment
from services.screening.core.records import (
    HitAct,
    HitVerdict,
    PartyScreening,
    ScreeningResult,
    Subject,
)


@dataclass(frozen=True, slots=True)
class ScreeningCompleted:
    """All parties of an application were screened.

    subjects: the parties as declared; empty in the oldest events. ownership: None if ownership was
    not assessed, which does not mean that no listed party owns a share.
    """

    screening_id: UUID
    application_id: UUID
    partner_id: str
    parties: tuple[PartyScreening, ...]
    list_version: str
    config_version: str
    screened_at: datetime
    subjects: tuple[Subject, ...] = ()
    ownership: OwnershipAssessment | None = None


@dataclass(frozen=True, slots=True)
class PartyListed:
    """A party of an open application or of a live license has a new hit. Carries no names.

    entry_ids: all entries that may be, or are, the party. new_entry_ids: those that are new.
    open_hit_ids: the hits of these entries.
    """

    application_id: UUID
    license_id: UUID | None
    party_id: str
    screening_id: UUID
    strength: Strength
    entry_ids: tuple[str, ...]
    new_entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    list_version: str
    result: ScreeningResult
    listed_at: datetime
    ownership: OwnershipAssessment | None = None
    open_hit_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class HitClearingProposed:
    """An officer proposed to clear a hit. A second officer must confirm or reject it.

    clearing_id: None in events from before proposals had ids.
    """

    application_id: UUID
    hit_id: UUID
    proposed_by: HitAct
    clearing_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class HitClearingRejected:
    """A second officer rejected the proposal to clear a hit. The hit is open again."""

    application_id: UUID
    hit_id: UUID
    clearing_id: UUID
    rejected_by: HitAct


@dataclass(frozen=True, slots=True)
class HitAdjudicated:
    """A hit was decided. The party_ fields give what is known of the party afterwards. No names.

    remembered_hit_id: the hit, possibly of another application, whose verdict was applied here;
    None if an officer judged this hit.
    """

    application_id: UUID
    license_id: UUID | None
    party_id: str
    hit_id: UUID
    entry_id: str
    verdict: HitVerdict
    decided_by: HitAct
    party_result: ScreeningResult
    party_strength: Strength | None
    party_entry_ids: tuple[str, ...]
    party_list_codes: tuple[str, ...]
    party_undetermined_reason: str = ""
    remembered_hit_id: UUID | None = None
    ownership: OwnershipAssessment | None = None
    party_open_hit_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class VerdictWithdrawn:
    """The verdict on a hit no longer holds. If the hit is open again, a PartyListed names it.

    withdrawn_hit_id: the hit, of another application, whose verdict was withdrawn and had been
    applied to this one; None if the verdict on this hit was withdrawn.
    """

    application_id: UUID
    license_id: UUID | None
    party_id: str
    hit_id: UUID
    entry_id: str
    verdict: HitVerdict
    withdrawn_by: HitAct
    withdrawn_hit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LicenseMonitored:
    """A license was issued for the application. Its parties stay compared with the lists."""

    application_id: UUID
    license_id: UUID


@dataclass(frozen=True, slots=True)
class MonitoringEnded:
    """The application and its license ended. `because` is the event that ended them."""

    application_id: UUID
    because: str


Event = (
    ScreeningCompleted
    | PartyListed
    | HitClearingProposed
    | HitClearingRejected
    | HitAdjudicated
    | VerdictWithdrawn
    | LicenseMonitored
    | MonitoringEnded
)
