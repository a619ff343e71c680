"""Folds events into an application. The tables of `lifecycle` give its state."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from services.applications.core.acceptance import license_holder
from services.applications.core.application_details import PartyRole
from services.applications.core.events import (
    ApplicationApproved,
    ApplicationDenied,
    ApplicationLapsed,
    ApplicationReferred,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    DecisionRecommended,
    DenialIntended,
    Event,
    LicenseExpired,
    LicenseGrant,
    LicenseIssued,
    LicenseRecordChanged,
    RecommendationCountersigned,
    RecommendationRejected,
    ScreeningRevised,
)
from services.applications.core.lifecycle import ImpossibleEvent, next_license_state, next_state
from services.applications.core.model import (
    Application,
    ApplicationState,
    Countersignature,
    License,
    LicenseState,
    Recommendation,
)


def evolve(application: Application | None, event: Event) -> Application:  # noqa: C901, PLR0912 - one case for each event
    """Returns the application after the event. Raises ImpossibleEvent if no table allows it."""
    state = next_state(None if application is None else application.state, event)
    if isinstance(event, ApplicationSubmitted):
        return _submitted(event, state)
    if application is None:
        raise ImpossibleEvent(f"{type(event).__name__} without an application")
    moved = replace(
        application, state=state, version=application.version + 1, updated_at=event.occurred_at
    )
    match event:
        case ApplicationReferred() | DenialIntended() | ScreeningRevised():
            return replace(
                _undecided(moved),
                screening=event.screening,
                policy=event.policy,
                basis=event.basis,
            )
        case DecisionRecommended():
            return replace(moved, recommendation=event.recommendation)
        case RecommendationCountersigned():
            return replace(
                moved, recommendation=countersigned(_pending(moved), event.countersignature)
            )
        case RecommendationRejected():
            return replace(moved, recommendation=None)
        case ApplicationApproved():
            return replace(
                _decided(moved, event),
                code_version=event.code_version,
                code_digest=event.code_digest,
                sign_by=event.sign_by,
            )
        case ApplicationDenied():
            return _decided(moved, event)
        case ApplicationWithdrawn():
            return replace(moved, withdrawal_reason=event.reason)
        case ApplicationLapsed():
            return moved
        case LicenseIssued():
            return replace(moved, license=_issued(application, event.license))
        case LicenseRecordChanged():
            record = _license_after(moved, event)
            return replace(moved, license=record, standing_version=event.standing_version)
        case LicenseExpired():
            return replace(moved, license=_license_after(moved, event))
        case _:
            assert_never(event)


def countersigned(recommendation: Recommendation, signature: Countersignature) -> Recommendation:
    """Returns the recommendation with one more countersignature."""
    return replace(recommendation, countersignatures=(*recommendation.countersignatures, signature))


def _submitted(event: ApplicationSubmitted, state: ApplicationState) -> Application:
    return Application(
        application_id=event.application_id,
        partner_id=event.partner_id,
        version=1,
        state=state,
        details=event.details,
        submitted_at=event.occurred_at,
        updated_at=event.occurred_at,
    )


def _decided(
    application: Application, event: ApplicationApproved | ApplicationDenied
) -> Application:
    decision = event.decision
    return replace(
        application,
        decision=decision,
        screening=decision.screening,
        policy=decision.policy,
        basis=event.basis,
        recommendation=decision.recommendation,
    )


def _undecided(application: Application) -> Application:
    """Returns the application without a recommendation or approval that rests on other findings."""
    return replace(
        application,
        recommendation=None,
        decision=None,
        code_version="",
        code_digest=b"",
        sign_by=None,
    )


def _pending(application: Application) -> Recommendation:
    if application.recommendation is None:
        raise ImpossibleEvent("a countersignature without a recommendation")
    return application.recommendation


def _issued(application: Application, grant: LicenseGrant) -> License:
    parties = application.details.parties
    return License(
        license_id=grant.license_id,
        license_number=grant.license_number,
        application_id=application.application_id,
        decision_id=grant.decision_id,
        partner_id=grant.partner_id,
        state=LicenseState.ACTIVE,
        items=grant.items,
        destinations=grant.destinations,
        end_uses=grant.end_uses,
        conditions=grant.conditions,
        monthly_million_tokens=grant.monthly_million_tokens,
        not_before=grant.not_before,
        not_after=grant.not_after,
        lease_seconds=grant.lease_seconds,
        acceptance=grant.acceptance,
        version=1,
        holder_name=license_holder(application.details).name,
        end_user_names=tuple(party.name for party in parties if PartyRole.END_USER in party.roles),
    )


def _license_after(
    application: Application, event: LicenseRecordChanged | LicenseExpired
) -> License:
    record = application.license
    if record is None:
        raise ImpossibleEvent(f"{type(event).__name__} without a license")
    return replace(
        record, state=next_license_state(record.state, event), version=record.version + 1
    )
