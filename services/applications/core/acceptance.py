"""The text by which an end user accepts the code of conduct, and who may sign it. Knows no cryptography.

The text names everything that the signature must not be carried over to: another application, decision, text, person
or holder. One line a fact, in fixed order, UTF-8, each line ended by a line feed; the holder's name as a JSON string,
so that no name can add a line.
"""

from __future__ import annotations

import json

from services.applications.core.model import Application, ApplicationDetails, Party, PartyRole

_FORM = "safeconduct.acceptance.v1"


def license_holder(details: ApplicationDetails) -> Party:
    """Who will hold the license: the party of that role, or else the applicant."""
    for role in (PartyRole.LICENSE_HOLDER, PartyRole.APPLICANT):
        for party in details.parties:
            if role in party.roles:
                return party
    raise ValueError("an application without an applicant was submitted")


def is_authorized(party: Party, details: ApplicationDetails) -> bool:
    """True: the party is a signatory whose key binds one of the end users by their own declaration."""
    authority = party.signing_authority
    if authority is None or not authority.is_authorized or PartyRole.SIGNATORY not in party.roles:
        return False
    return any(
        other.party_id == authority.binds_party_id and PartyRole.END_USER in other.roles
        for other in details.parties
    )


def signatory(details: ApplicationDetails) -> Party | None:
    """The first party that may sign for an end user, or None."""
    return next((party for party in details.parties if is_authorized(party, details)), None)


def acceptance_text(application: Application, signatory_party_id: str) -> bytes:
    """The exact bytes to sign. Raises ValueError before the application is approved: there is nothing to accept yet."""
    if application.decision is None or not application.code_version:
        raise ValueError("only an approved application has an acceptance text")
    lines = (
        _FORM,
        "I accept the code of conduct named here for the end user that I may bind.",
        f"application: {application.application_id}",
        f"decision: {application.decision.decision_id}",
        f"code-version: {application.code_version}",
        f"code-sha256: {application.code_digest.hex()}",
        f"license-holder: {json.dumps(license_holder(application.details).name, ensure_ascii=False)}",
        f"signatory: {signatory_party_id}",
    )
    return "".join(f"{line}\n" for line in lines).encode()
