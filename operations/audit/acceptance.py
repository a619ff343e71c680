"""Rebuilds the acceptance text, which an end user's signatory signs, from the events of a case.

The text is built from its specification, one line per fact in fixed order. It is not shared code
with the service that asks for the signature: an auditor's copy that changed together with the
service would prove nothing. A test compares the two.
"""

from __future__ import annotations

import json
from typing import Final

from safeconduct.applications.v1 import model_pb2 as model

FORM: Final = "safeconduct.acceptance.v1"


def acceptance_text(
    application_id: str,
    details: model.ApplicationDetails,
    decision_id: str,
    code_version: str,
    code_digest: bytes,
    signer: str,
) -> str:
    """Returns the text that the party `signer` had to sign.

    Raises LookupError if the application has no license holder and no applicant.
    """
    lines = (
        FORM,
        "I accept the code of conduct named here for the end user that I may bind.",
        f"application: {application_id}",
        f"decision: {decision_id}",
        f"code-version: {code_version}",
        f"code-sha256: {code_digest.hex()}",
        f"license-holder: {json.dumps(holder(details).name, ensure_ascii=False)}",
        f"signatory: {signer}",
    )
    return "".join(f"{line}\n" for line in lines)


def holder(details: model.ApplicationDetails) -> model.Party:
    """Returns the license holder, or the applicant if there is none.

    Raises LookupError if there is neither.
    """
    for role in (model.PARTY_ROLE_LICENSE_HOLDER, model.PARTY_ROLE_APPLICANT):
        for party in details.parties:
            if role in party.roles:
                return party
    raise LookupError("no party has the role LICENSE_HOLDER or APPLICANT")


def signing_key(details: model.ApplicationDetails, signer: str) -> bytes | None:
    """Returns the public key of the party `signer`; None if it may not sign for an end user."""
    for party in details.parties:
        authority = party.signing_authority
        if (
            party.party_id == signer
            and model.PARTY_ROLE_SIGNATORY in party.roles
            and authority.is_authorized
            and any(
                other.party_id == authority.binds_party_id
                and model.PARTY_ROLE_END_USER in other.roles
                for other in details.parties
            )
        ):
            return authority.public_key
    return None


def signatory(details: model.ApplicationDetails) -> str:
    """Returns the id of the first party that may sign for an end user; empty if there is none."""
    return next(
        (
            each.party_id
            for each in details.parties
            if signing_key(details, each.party_id) is not None
        ),
        "",
    )
