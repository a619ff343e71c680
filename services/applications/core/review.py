"""Decides the commands of officers on a case: recommend, countersign, reject.

The four-eyes rule is enforced here, so that no user interface has to enforce it.
"""

from __future__ import annotations

from datetime import datetime

from services.applications.core.approval import approved, conditions
from services.applications.core.commands import (
    Countersign,
    Officer,
    Recommend,
    RejectRecommendation,
)
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
)
from services.applications.core.open_hits import (
    HIGHEST_TIER,
    lacks_highest_tier,
    not_overridden,
    open_hits,
    override,
    signatures_needed,
)
from services.applications.core.open_hits import refusal as open_hits_refusal
from services.applications.core.screening_summary import ScreeningSummary


def recommend(
    application: Application, command: Recommend, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the recommendation, or CONFLICT_OF_INTEREST, CLEARANCE_TOO_LOW or OPEN_HITS."""
    refusal = _refuse_officer(application, command.officer)
    if refusal is not None:
        return refusal
    found = open_hits(application.screening, application.details)
    overridden = override(found, command.outcome, command.open_hits_override)
    if isinstance(overridden, Refusal):
        return overridden
    recommendation = Recommendation(
        recommendation_id=command.recommendation_id,
        outcome=command.outcome,
        rationale=command.rationale,
        conditions=command.conditions,
        officer_id=command.officer.officer_id,
        recommended_at=now,
        open_hits_override=overridden,
    )
    return (DecisionRecommended(application.application_id, recommendation, now),)


def countersign(
    application: Application, command: Countersign, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the decision if this is the last countersignature needed, else the countersignature.

    Refuses as `_refuse_second_officer` does; with OPEN_HITS if hits are open that the
    recommendation does not name; and with CLEARANCE_TOO_LOW if this would be the last
    countersignature of such an approval and no countersigner is of the highest tier.
    """
    refusal = _refuse_second_officer(application, command)
    if refusal is not None:
        return refusal
    recommendation, policy, screening = _case(application)
    found = not_overridden(open_hits(screening, application.details), recommendation)
    if found:
        return open_hits_refusal(found)
    officer = command.officer
    signature = Countersignature(officer.officer_id, command.rationale, now, officer.tier)
    signed = countersigned(recommendation, signature)
    if len(signed.countersignatures) < signatures_needed(signed, policy.countersignatures):
        event = RecommendationCountersigned(
            application.application_id, recommendation.recommendation_id, signature, now
        )
        return (event,)
    if lacks_highest_tier(recommendation, signature):
        return _clearance_too_low(HIGHEST_TIER, officer.tier)
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
        denied = ApplicationDenied(application.application_id, decision, now, application.basis)
        return (denied,)
    return (approved(application, decision, application.basis, command.terms, now),)


def reject(
    application: Application, command: RejectRecommendation, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the rejection, which voids all countersignatures. Refuses as `countersign` does."""
    refusal = _refuse_second_officer(application, command)
    if refusal is not None:
        return refusal
    officer = command.officer
    rejection = Countersignature(officer.officer_id, command.rationale, now, officer.tier)
    event = RecommendationRejected(
        application.application_id, command.recommendation_id, rejection, now
    )
    return (event,)


def _refuse_second_officer(
    application: Application, command: Countersign | RejectRecommendation
) -> Refusal | None:
    """Returns the refusal of an officer who may not act on the pending recommendation, or None.

    RECOMMENDATION_CHANGED comes first: the officer has to read the new recommendation anyway.
    """
    recommendation, _, _ = _case(application)
    if command.recommendation_id != recommendation.recommendation_id:
        pending = {"pendingRecommendationId": str(recommendation.recommendation_id)}
        message = (
            f"recommendation_id: recommendation {recommendation.recommendation_id} is pending now; "
            "read it before you countersign or reject"
        )
        return Refusal(Kind.ABORTED, Reason.RECOMMENDATION_CHANGED, message, pending)
    return _refuse_officer(application, command.officer) or _refuse_same_officer(
        recommendation, command.officer
    )


def _refuse_officer(application: Application, officer: Officer) -> Refusal | None:
    """Returns the refusal of an officer who may not act on this application at all, or None."""
    if officer.affiliation is not None and officer.affiliation == application.partner_id:
        message = "an officer who belongs to the applying partner cannot act on its application"
        return Refusal(
            Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST, message, {"officerId": officer.officer_id}
        )
    required = HIGHEST_TIER if application.policy is None else application.policy.tier
    return _clearance_too_low(required, officer.tier) if officer.tier < required else None


def _clearance_too_low(required: int, actual: int) -> Refusal:
    tiers = {"requiredTier": str(required), "officerTier": str(actual)}
    message = f"this case needs an officer of tier {required} or higher; yours is {actual}"
    return Refusal(Kind.PERMISSION, Reason.CLEARANCE_TOO_LOW, message, tiers)


def _refuse_same_officer(recommendation: Recommendation, officer: Officer) -> Refusal | None:
    """Returns the refusal of an officer who recommended or countersigned already, or None."""
    acted = {
        recommendation.officer_id,
        *(signature.officer_id for signature in recommendation.countersignatures),
    }
    if officer.officer_id not in acted:
        return None
    message = "an officer who recommended or countersigned cannot countersign or reject as well"
    return Refusal(
        Kind.PERMISSION, Reason.SELF_COUNTERSIGNATURE, message, {"officerId": officer.officer_id}
    )


def _case(application: Application) -> tuple[Recommendation, PolicyOutcome, ScreeningSummary]:
    """Returns the parts of a pending case. A missing part is a defect of this service."""
    recommendation, policy, screening = (
        application.recommendation,
        application.policy,
        application.screening,
    )
    assert recommendation is not None and policy is not None and screening is not None  # noqa: PT018 - one promise
    return recommendation, policy, screening
