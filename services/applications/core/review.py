"""What officers may do with a case: recommend, countersign, reject. Four eyes stand here, not on a screen."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.applications.core.approval import approved, conditions
from services.applications.core.commands import Countersign, Officer, Recommend
from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.events import (
    ApplicationDenied,
    DecisionRecommended,
    Event,
    RecommendationCountersigned,
    RecommendationRejected,
)
from services.applications.core.evolve import countersigned
from services.applications.core.model import (
    Application,
    Countersignature,
    Decision,
    Outcome,
    PolicyOutcome,
    Recommendation,
    ScreeningSummary,
)

HIGHEST_TIER: Final = 3


def recommend(
    application: Application, command: Recommend, now: datetime
) -> tuple[Event, ...] | Refusal:
    """A recommendation, or why this officer cannot give it."""
    barred = _barred(application, command.officer)
    if barred is not None:
        return barred
    recommendation = Recommendation(
        recommendation_id=command.recommendation_id,
        outcome=command.outcome,
        rationale=command.rationale,
        conditions=command.conditions,
        officer_id=command.officer.officer_id,
        recommended_at=now,
    )
    return (DecisionRecommended(application.application_id, recommendation, now),)


def countersign(
    application: Application, command: Countersign, now: datetime
) -> tuple[Event, ...] | Refusal:
    """A countersignature, the decision when it was the last one needed, a rejection, or why it can be none."""
    recommendation, policy, screening = _case(application)
    if command.recommendation_id != recommendation.recommendation_id:
        pending = {"pendingRecommendationId": str(recommendation.recommendation_id)}
        message = "another recommendation is pending than the one that was read"
        return Refusal(Kind.ABORTED, Reason.RECOMMENDATION_CHANGED, message, pending)
    barred = _barred(application, command.officer) or _same_eyes(recommendation, command.officer)
    if barred is not None:
        return barred
    signature = Countersignature(command.officer.officer_id, command.rationale, now)
    if not command.is_confirmed:
        return (
            RecommendationRejected(
                application.application_id, recommendation.recommendation_id, signature, now
            ),
        )
    signed = countersigned(recommendation, signature)
    if len(signed.countersignatures) < max(1, policy.countersignatures):
        event = RecommendationCountersigned(
            application.application_id, recommendation.recommendation_id, signature, now
        )
        return (event,)
    decision = Decision(
        decision_id=command.decision_id,
        outcome=signed.outcome,
        by_policy=False,
        policy=policy,
        screening=screening,
        recommendation=signed,
        conditions=conditions(policy, signed) if signed.outcome is Outcome.APPROVE else (),
        decided_at=now,
    )
    if signed.outcome is Outcome.DENY:
        return (ApplicationDenied(application.application_id, decision, now),)
    return (approved(application, decision, command.terms, now),)


def _barred(application: Application, officer: Officer) -> Refusal | None:
    """Why this officer may not act on this application at all, or None."""
    if officer.affiliation is not None and officer.affiliation == application.partner_id:
        message = "an officer who belongs to the applicant cannot act on its application"
        return Refusal(
            Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST, message, {"officerId": officer.officer_id}
        )
    required = HIGHEST_TIER if application.policy is None else application.policy.tier
    if officer.tier < required:
        tiers = {"requiredTier": str(required), "officerTier": str(officer.tier)}
        return Refusal(
            Kind.PERMISSION,
            Reason.CLEARANCE_TOO_LOW,
            f"this case needs clearance {required}",
            tiers,
        )
    return None


def _same_eyes(recommendation: Recommendation, officer: Officer) -> Refusal | None:
    """Four eyes: whoever recommended, or countersigned already, cannot countersign."""
    seen = {
        recommendation.officer_id,
        *(signature.officer_id for signature in recommendation.countersignatures),
    }
    if officer.officer_id not in seen:
        return None
    message = "whoever recommended or countersigned already cannot countersign"
    return Refusal(
        Kind.PERMISSION, Reason.SELF_COUNTERSIGNATURE, message, {"officerId": officer.officer_id}
    )


def _case(application: Application) -> tuple[Recommendation, PolicyOutcome, ScreeningSummary]:
    """What a pending case consists of; its absence is a broken promise, not a refusal."""
    recommendation, policy, screening = (
        application.recommendation,
        application.policy,
        application.screening,
    )
    assert recommendation is not None and policy is not None and screening is not None  # noqa: PT018 - one promise
    return recommendation, policy, screening
