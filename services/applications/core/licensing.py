"""Decides the issue of a license, and the changes of its record by enforcement and by time.

A change of standing that comes late or twice returns no events. One that contradicts the record is
refused, so that the consumer parks it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from services.applications.core.acceptance import acceptance_text, is_authorized
from services.applications.core.commands import AcceptCode, FollowStanding
from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.events import (
    ApplicationLapsed,
    Event,
    LicenseExpired,
    LicenseGrant,
    LicenseIssued,
    LicenseRecordChanged,
)
from services.applications.core.lifecycle import LICENSE_TRANSITIONS, wrong_state
from services.applications.core.model import (
    Application,
    ApplicationState,
    CodeOfConductAcceptance,
    LicenseState,
)


def due_at(application: Application) -> datetime | None:
    """Returns the time at which `Due` changes the application, or None.

    It is the end of the time to sign, and later the end of the license.
    """
    if application.state is ApplicationState.AWAITING_SIGNATURE:
        return application.sign_by
    record = application.license
    if record is not None and record.state in {LicenseState.ACTIVE, LicenseState.SUSPENDED}:
        return record.not_after
    return None


def due(application: Application, now: datetime) -> tuple[Event, ...] | Refusal:
    """Returns the lapse of the application or the expiry of the license, if it is due at `now`."""
    when = due_at(application)
    if when is None or now < when:
        return ()
    if application.license is None:
        return (ApplicationLapsed(application.application_id, now),)
    return (LicenseExpired(application.application_id, application.license.license_id, now),)


def accept_code(
    application: Application, command: AcceptCode, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the license, or the refusal of the first of five checks that the acceptance fails."""
    subject = {"signatoryPartyId": command.signatory_party_id}
    # (1): The time to sign is not over.
    if application.sign_by is None or now >= application.sign_by:
        sign_by = {"signBy": "" if application.sign_by is None else application.sign_by.isoformat()}
        return Refusal(
            Kind.PRECONDITION,
            Reason.SIGNING_TIME_OVER,
            f"the time to sign ended at {sign_by['signBy']}",
            sign_by,
        )
    # (2): The party may sign for an end user.
    parties = {party.party_id: party for party in application.details.parties}
    party = parties.get(command.signatory_party_id)
    authority = None if party is None else party.signing_authority
    if party is None or authority is None or not is_authorized(party, application.details):
        message = (
            "signatory_party_id: the party has no signing_authority that is authorized to bind "
            "an end user"
        )
        return Refusal(Kind.PERMISSION, Reason.SIGNATORY_NOT_AUTHORIZED, message, subject)
    # (3): The text that was signed is the one that the approval names.
    if command.code_version != application.code_version:
        versions = {
            "requiredVersion": application.code_version,
            "signedVersion": command.code_version,
        }
        message = (
            f"code_version: version {application.code_version} of the code must be signed, "
            f"not {command.code_version}"
        )
        return Refusal(Kind.PRECONDITION, Reason.CODE_OUT_OF_DATE, message, versions)
    # (4): The key is still valid.
    if authority.valid_until is not None and now >= authority.valid_until:
        message = (
            f"the signatory's key was valid until {authority.valid_until:%Y-%m-%dT%H:%M:%SZ}; "
            "submit a new application with a new key"
        )
        return Refusal(Kind.PRECONDITION, Reason.SIGNING_KEY_EXPIRED, message, subject)
    # (5): The key signed exactly the acceptance text.
    text = acceptance_text(application, command.signatory_party_id)
    if not command.verify(authority.public_key, text, command.signature):
        message = (
            "signature: the signatory's key did not make this signature over the text of this "
            "signatory in Application.signatory_texts"
        )
        return Refusal(Kind.INVALID, Reason.SIGNATURE_INVALID, message, subject)
    return (LicenseIssued(application.application_id, _grant(application, command, now), now),)


def follow_standing(
    application: Application, command: FollowStanding, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the change of the license record, or no event if the record is as new or newer."""
    record = application.license
    if record is None or record.license_id != command.license_id:
        return Refusal(
            Kind.NOT_FOUND, Reason.NOT_FOUND, "this application has no license with this id"
        )
    # Fencing by version: an older change was overtaken by one that is recorded. An expired license
    # does not change any more.
    if (
        command.standing_version <= application.standing_version
        or record.state is LicenseState.EXPIRED
    ):
        return ()
    if command.state not in LICENSE_TRANSITIONS[record.state].get(LicenseRecordChanged, ()):
        return () if command.state is record.state else wrong_state(record.state, command)
    changed = LicenseRecordChanged(
        application.application_id, record.license_id, command.state, command.standing_version, now
    )
    return (changed,)


def _grant(application: Application, command: AcceptCode, now: datetime) -> LicenseGrant:
    details, decision = application.details, application.decision
    assert decision is not None, "only a decision leads to AWAITING_SIGNATURE"
    return LicenseGrant(
        license_id=command.license_id,
        # 48 random bits of the UUID. If ids become time-ordered, the first bits are a time.
        license_number=f"SC-{now.year}-{command.license_id.hex[-12:].upper()}",
        decision_id=decision.decision_id,
        partner_id=application.partner_id,
        items=details.items,
        destinations=details.destinations,
        end_uses=details.end_uses,
        conditions=decision.conditions,
        monthly_million_tokens=details.monthly_million_tokens,
        not_before=now,
        not_after=now + timedelta(days=details.validity_days),
        lease_seconds=decision.policy.lease_seconds,
        acceptance=CodeOfConductAcceptance(
            code_version=application.code_version,
            code_digest=application.code_digest,
            signatory_party_id=command.signatory_party_id,
            signature=command.signature,
            accepted_at=now,
        ),
        screening_id=decision.screening.screening_id,
    )
