"""What may never be approved without an officer, whatever policy says. No policy file can switch it off."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.applications.core import ownership, screening_findings
from services.applications.core.military import is_military, is_military_intelligence
from services.applications.core.model import (
    AccessMode,
    ApplicationDetails,
    FiredRule,
    PolicyOutcome,
    RuleEffect,
    ScreeningSummary,
)

RULE_ID: Final = "core.never-automatic"
_AGAINST: Final = frozenset({RuleEffect.DENY, RuleEffect.REFER})


def obstacles(
    details: ApplicationDetails, screening: ScreeningSummary, policy: PolicyOutcome
) -> tuple[str, ...]:
    """Names of what stands against approval without an officer; empty = nothing does."""
    found = {
        "OPEN_HIT": any(map(screening_findings.is_open_hit, screening.findings)),
        "UNDETERMINED_SCREENING": screening_findings.is_undetermined(screening, details),
        "RED_FLAG": bool(details.red_flags),
        "UNKNOWN_OWNERSHIP": ownership.has_unknown(details, screening),
        "LISTED_OWNER": bool(ownership.rules_met(screening) or ownership.red_flags(screening)),
        "MODEL_WEIGHTS": any(
            item.access_mode is AccessMode.MODEL_WEIGHTS for item in details.items
        ),
        "MILITARY": is_military(details) or is_military_intelligence(details),
        "RULE_AGAINST": any(rule.failed or rule.effect in _AGAINST for rule in policy.fired),
    }
    return tuple(name for name, holds in found.items() if holds)


def referred(policy: PolicyOutcome, found: tuple[str, ...]) -> PolicyOutcome:
    """The outcome, leading to officers because of the obstacles `found`."""
    rule = FiredRule(
        rule_id=RULE_ID,
        effect=RuleEffect.REFER,
        inputs=dict.fromkeys(found, "true"),
        legal_basis="Safeconduct licensing principles: no automatic approval while any of these stands",
        explanation="An officer has to look at this application before it can be approved.",
    )
    return replace(policy, way=RuleEffect.REFER, fired=(*policy.fired, rule))
