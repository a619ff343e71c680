"""The parts that approvals by policy and by officers share: conditions and the time to sign."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.applications.core.commands import SigningTerms
from services.applications.core.events import ApplicationApproved
from services.applications.core.model import (
    Application,
    Decision,
    PolicyOutcome,
    Recommendation,
    RuleEffect,
)
from services.applications.core.policy_facts import PolicyBasis


def conditions(policy: PolicyOutcome, recommendation: Recommendation | None) -> tuple[str, ...]:
    """Returns the conditions of policy, then those of the officers, each once."""
    demanded = [
        rule.condition
        for rule in policy.fired
        if rule.effect is RuleEffect.CONDITION and rule.condition
    ]
    added = () if recommendation is None else recommendation.conditions
    return tuple(dict.fromkeys((*demanded, *added)))


def approved(
    application: Application,
    decision: Decision,
    basis: PolicyBasis | None,
    terms: SigningTerms,
    now: datetime,
) -> ApplicationApproved:
    """Returns the approval. The time to sign begins now. `basis` is that of `decision.policy`."""
    return ApplicationApproved(
        application_id=application.application_id,
        decision=decision,
        code_version=terms.code_version,
        code_digest=terms.code_digest,
        sign_by=now + timedelta(days=terms.signing_days),
        occurred_at=now,
        basis=basis,
    )
