"""The text that an end user signs to accept the code of conduct, and the parties that may sign it.

The text names the application, the decision, the code version, the signatory and the license
holder, so that a signature cannot be used for any other of them. It has one fact on each line, in
fixed order, in UTF-8, and every line ends with a line feed. The holder's name is a JSON string, so
that no name can add a line.
"""

from __future__ import annotations

import json

from services.applications.core.application_details import (
    ApplicationDetails,
    Party,
    PartyRole,
)
from services.applications.core.model import Application

_FORM = "safeconduct.acceptance.v1"


def license_holder(details: ApplicationDetails) -> Party:
    """Returns the party with role LICENSE_HOLDER, or else the applicant.

    Raises ValueError if there is neither, which the submission check rules out.
    """
    for role in (PartyRole.LICENSE_HOLDER, PartyRole.APPLICANT):
        for party in details.parties:
            if role in party.roles:
                return party
    raise ValueError("an application without an applicant was submitted")


def is_authorized(party: Party, details: ApplicationDetails) -> bool:
    """Returns True if the party is a signatory that is declared to bind one of the end users."""
    authority = party.signing_authority
    if authority is None or not authority.is_authorized or PartyRole.SIGNATORY not in party.roles:
        return False
    return any(
        other.party_id == authority.binds_party_id and PartyRole.END_USER in other.roles
        for other in details.parties
    )


def signatories(details: ApplicationDetails) -> tuple[Party, ...]:
    """Returns the parties that may sign for an end user, in the order of the details."""
    return tuple(party for party in details.parties if is_authorized(party, details))


def acceptance_text(application: Application, signatory_party_id: str) -> bytes:
    """Returns the exact bytes to sign. Raises ValueError if the application is not approved."""
    if application.decision is None or not application.code_version:
        raise ValueError("only an approved application has an acceptance text")
    holder = license_holder(application.details)
    lines = (
        _FORM,
        "I accept the code of conduct named here for the end user that I may bind.",
        f"application: {application.application_id}",
        f"decision: {application.decision.decision_id}",
        f"code-version: {application.code_version}",
        f"code-sha256: {application.code_digest.hex()}",
        f"license-holder: {json.dumps(holder.name, ensure_ascii=False)}",
        f"signatory: {signatory_party_id}",
    )
    return "".join(f"{line}\n" for line in lines).encode()
