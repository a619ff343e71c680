"""Lists what bars an approval without an officer. No policy file can switch these bars off."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.applications.core import ownership, screening_findings
from services.applications.core.application_details import (
    AccessMode,
    ApplicationDetails,
)
from services.applications.core.explanations import REVIEW_NEEDED
from services.applications.core.military import is_military, is_military_intelligence
from services.applications.core.model import (
    FiredRule,
    PolicyOutcome,
    RuleEffect,
)
from services.applications.core.screening_summary import ScreeningSummary

RULE_ID: Final = "core.never-automatic"
_AGAINST_APPROVAL: Final = frozenset({RuleEffect.DENY, RuleEffect.REFER})


def obstacles(
    details: ApplicationDetails, screening: ScreeningSummary, policy: PolicyOutcome
) -> tuple[str, ...]:
    """Returns the names of the bars that apply, for example OPEN_HIT; empty if none does."""
    bars = {
        "OPEN_HIT": any(map(screening_findings.is_open_hit, screening.findings)),
        "UNDETERMINED_SCREENING": screening_findings.is_undetermined(screening, details),
        "RED_FLAG": bool(details.red_flags),
        "UNKNOWN_OWNERSHIP": ownership.has_unknown(details, screening),
        "LISTED_OWNER": bool(ownership.rules_met(screening) or ownership.red_flags(screening)),
        "MODEL_WEIGHTS": any(
            item.access_mode is AccessMode.MODEL_WEIGHTS for item in details.items
        ),
        "MILITARY": is_military(details) or is_military_intelligence(details),
        # Policy approved although one of its own rules did not: its outcome contradicts itself.
        "RULE_AGAINST": any(
            rule.failed or rule.effect in _AGAINST_APPROVAL for rule in policy.fired
        ),
    }
    return tuple(name for name, applies in bars.items() if applies)


def referred(policy: PolicyOutcome, found: tuple[str, ...]) -> PolicyOutcome:
    """Returns the outcome with effect REFER and one more fired rule that names the bars `found`."""
    rule = FiredRule(
        rule_id=RULE_ID,
        effect=RuleEffect.REFER,
        inputs=dict.fromkeys(found, "true"),
        legal_basis="Licensing principles; such cases are never approved automatically",
        explanation=REVIEW_NEEDED,
    )
    return replace(policy, effect=RuleEffect.REFER, fired=(*policy.fired, rule))
