"""Computes the facts that policy rules read, with the names and fields of `policy.proto`.

A rule reads these facts and nothing else. A fact that cannot be established has the value that
speaks against automatic approval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.applications.core import ownership, screening_findings
from services.applications.core.application_details import (
    AccessMode,
    ApplicationDetails,
    EndUse,
    PartyRole,
    RedFlag,
    Sector,
)
from services.applications.core.military import is_military, is_military_intelligence
from services.applications.core.reference_data import ReferenceData
from services.applications.core.screening_summary import ScreeningSummary

NO_STATEMENT = -1
"""The age of a missing end-user statement."""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """The facts. The comments of `policy.proto` describe them."""

    countries: tuple[str, ...]
    has_embargoed_country: bool
    only_allied_countries: bool
    has_exact_match: bool
    has_possible_match: bool
    has_undetermined_screening: bool
    listed_ownership_percent: float
    has_unknown_ownership: bool
    matched_lists: tuple[str, ...]
    is_military: bool
    is_military_intelligence: bool
    is_surveillance_capable: bool
    names_forbidden_use: bool
    end_uses: tuple[EndUse, ...]
    access_modes: tuple[AccessMode, ...]
    training_compute_log10_flop: float
    has_model_weights: bool
    end_user_sectors: tuple[Sector, ...]
    statement_age_days: int
    has_safeguard_statement: bool
    red_flags: tuple[RedFlag, ...]
    monthly_million_tokens: int
    validity_days: int
    blocked_ownership_percent: float
    ownership_rules_met: Mapping[str, str]
    ownership_red_flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyBasis:
    """The basis of an outcome of policy. Digests are SHA-256, 32 bytes, of the kept texts."""

    facts: PolicyFacts
    policy_digest: bytes
    reference_data_digest: bytes
    reference_data_version: str


def facts(
    details: ApplicationDetails,
    screening: ScreeningSummary,
    reference_data: ReferenceData,
    now: datetime,
) -> PolicyFacts:
    """Returns the facts about an application and its screening at `now`."""
    full = screening_findings.complete(screening, details)
    countries = frozenset(details.destinations) | {party.country for party in details.parties}
    exact = screening_findings.exactly_matched(full)
    uses = frozenset(details.end_uses)
    return PolicyFacts(
        countries=tuple(sorted(countries)),
        has_embargoed_country=bool(countries & reference_data.embargoed_countries),
        only_allied_countries=countries
        <= reference_data.allied_countries | reference_data.home_countries,
        has_exact_match=bool(exact & screening_findings.participants(details)),
        has_possible_match=any(map(screening_findings.is_open_hit, full.findings)),
        has_undetermined_screening=screening_findings.is_undetermined(screening, details),
        listed_ownership_percent=ownership.largest_percent(screening),
        has_unknown_ownership=ownership.has_unknown(details, screening),
        matched_lists=_matched_lists(full),
        is_military=is_military(details),
        is_military_intelligence=is_military_intelligence(details),
        is_surveillance_capable=bool(uses & reference_data.surveillance_uses),
        names_forbidden_use=bool(uses & reference_data.forbidden_uses),
        end_uses=details.end_uses,
        access_modes=tuple(sorted({item.access_mode for item in details.items})),
        training_compute_log10_flop=max(
            _compute(item.model_id, reference_data) for item in details.items
        ),
        has_model_weights=any(
            item.access_mode is AccessMode.MODEL_WEIGHTS
            and not _is_open(item.model_id, reference_data)
            for item in details.items
        ),
        end_user_sectors=_end_user_sectors(details),
        statement_age_days=_statement_age(details, now),
        has_safeguard_statement=details.safeguard_statement is not None,
        red_flags=details.red_flags,
        monthly_million_tokens=details.monthly_million_tokens,
        validity_days=details.validity_days,
        blocked_ownership_percent=ownership.largest_percent(
            screening, reference_data.blocking_lists
        ),
        ownership_rules_met=ownership.rules_met(screening),
        ownership_red_flags=ownership.red_flags(screening),
    )


def _matched_lists(screening: ScreeningSummary) -> tuple[str, ...]:
    hits = (finding for finding in screening.findings if screening_findings.is_open_hit(finding))
    return tuple(sorted({code for finding in hits for code in finding.list_codes}))


def _compute(model_id: str, reference_data: ReferenceData) -> float:
    # A model that was removed from the catalogue since the submission counts as the largest.
    model = reference_data.models.get(model_id)
    return math.inf if model is None else math.log10(model.training_compute_flop)


def _is_open(model_id: str, reference_data: ReferenceData) -> bool:
    model = reference_data.models.get(model_id)
    return model is not None and model.has_open_weights


def _end_user_sectors(details: ApplicationDetails) -> tuple[Sector, ...]:
    """Returns the sectors of the end users, or none if one of them states no sector.

    Otherwise a rule that requires all sectors to be low-risk would overlook that end user.
    """
    stated = [party.sector for party in details.parties if PartyRole.END_USER in party.roles]
    known = {sector for sector in stated if sector is not None}
    return () if None in stated else tuple(sorted(known))


def _statement_age(details: ApplicationDetails, now: datetime) -> int:
    statement = details.end_user_statement
    return NO_STATEMENT if statement is None else max(0, (now - statement.signed_at).days)
