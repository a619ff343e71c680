"""Checks the code of conduct, the end user's signature and the license document of a case file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safeconduct import conduct
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.enum_names import short
from safeconduct.documents import InvalidDocumentError, LicenseDocument, verify

from operations.audit import acceptance
from operations.audit.case_file import CaseFile, ConductPart, LicensePart
from operations.audit.decoded_events import DecodedEvent, issued_grant, newest
from operations.audit.trusted_keys import thumbprint


def code_faults(
    part: ConductPart,
    approval: applications.ApplicationApproved,
    grant: applications.LicenseGrant | None,
) -> Iterator[str]:
    """Yields the differences between the code of conduct and the approved or signed one."""
    approved = grant.acceptance if grant is not None else approval
    if hashlib.sha256(part.text.encode()).digest() != approved.code_digest:
        yield "the text does not have the approved digest"
    if part.sha256 != approved.code_digest.hex() or part.code_version != approved.code_version:
        yield "the version or the digest is not the approved one"


def signature_faults(
    file: CaseFile,
    part: ConductPart,
    events: Sequence[DecodedEvent],
    approval: applications.ApplicationApproved,
) -> Iterator[str]:
    """Yields the faults of the acceptance text, its key and its signature."""
    submitted = newest(events, applications.ApplicationSubmitted)
    if submitted is None:
        yield "there is no ApplicationSubmitted event, which names the signatory"
        return
    grant = issued_grant(events)
    signed = grant.acceptance if grant is not None else None
    code = signed if signed is not None else approval
    try:
        text = acceptance.acceptance_text(
            str(file.about.application_id),
            submitted.details,
            grant.decision_id if grant is not None else approval.decision.decision_id,
            code.code_version,
            code.code_digest,
            part.signatory_party_id,
        )
    except LookupError as fault:
        yield str(fault)
        return
    if text != part.acceptance_text:
        yield "the acceptance text differs from the one that follows from the events"
    key = acceptance.signing_key(submitted.details, part.signatory_party_id)
    if key is None or part.public_key != key:
        yield "the key does not belong to a party that may sign for an end user"
    if signed is None:
        if part.signature:
            yield "there is a signature, but no license was issued"
        return
    if (part.signature, part.signatory_party_id) != (signed.signature, signed.signatory_party_id):
        yield "the signature or its signatory is not the accepted one"
    if not conduct.verify(text.encode(), part.signature, key or b""):
        yield "the signature does not verify over the acceptance text"


def license_faults(
    part: LicensePart, grant: applications.LicenseGrant, events: Sequence[DecodedEvent]
) -> Iterator[str]:
    """Yields the faults of the license document, its keys and its claims."""
    for key_id, key in part.signing_keys.items():
        if thumbprint(key) != key_id:
            yield f"the id of the key {key_id} is not its thumbprint (RFC 7638)"
    try:
        document = verify(part.document, part.signing_keys)
    except (InvalidDocumentError, ValueError) as fault:
        yield f"the document does not verify: {fault}"
        return
    for name, expected in _expected_claims(grant, events).items():
        if _claim(document, name) != expected:
            yield f"the document has another {name} than the event that issued it"


def _claim(document: LicenseDocument, path: str) -> Any:
    """Returns the claim at a dotted path, or None."""
    found: Any = document.claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _expected_claims(
    grant: applications.LicenseGrant, events: Sequence[DecodedEvent]
) -> Mapping[str, object]:
    """Returns the claims that follow from the issuing event, by dotted path."""
    issued = next(
        each for each in reversed(events) if isinstance(each.message, applications.LicenseIssued)
    )
    assert isinstance(issued.message, applications.LicenseIssued)
    return {
        **_declared_claims(events),
        "jti": grant.license_id,
        "sub": grant.partner_id,
        "license_number": grant.license_number,
        "application_id": issued.message.application_id,
        "decision_id": grant.decision_id,
        "nbf": grant.not_before.seconds,
        "exp": grant.not_after.seconds,
        "items": [
            {"model_id": item.model_id, "access_mode": short(model.AccessMode, item.access_mode)}
            for item in grant.items
        ],
        "end_uses": [short(model.EndUse, use) for use in grant.end_uses],
        "destinations": list(grant.destinations),
        "conditions": list(grant.conditions),
        "monthly_million_tokens": grant.monthly_million_tokens,
        "lease_seconds": grant.lease_seconds,
        "code_of_conduct.version": grant.acceptance.code_version,
        "code_of_conduct.signatory": grant.acceptance.signatory_party_id,
        "code_of_conduct.sha256": grant.acceptance.code_digest.hex(),
        "code_of_conduct.signature": grant.acceptance.signature.hex(),
        "event_sha256": issued.hash,
    }


def _declared_claims(events: Sequence[DecodedEvent]) -> Mapping[str, object]:
    """Returns the claims that follow from the submission: the names of holder and end users."""
    submitted = newest(events, applications.ApplicationSubmitted)
    if submitted is None:
        return {}
    details = submitted.details
    end_users = [each.name for each in details.parties if model.PARTY_ROLE_END_USER in each.roles]
    try:
        return {"holder": acceptance.holder(details).name, "end_users": end_users}
    except LookupError:
        return {"end_users": end_users}
