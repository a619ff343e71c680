from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.applications.core.acceptance import acceptance_text, license_holder, signatories
from services.applications.core.application_details import (
    ApplicationDetails,
    PartyRole,
    SigningAuthority,
)
from services.applications.core.decide import decide
from services.applications.core.errors import Reason, Refusal
from services.applications.core.model import (
    Application,
    ApplicationState,
    LicenseState,
)
from tests.applications import builders as b


def refused(application: Application, **changes: object) -> Reason:
    decided = decide(application, b.accept(application, **changes), b.NOW)
    assert isinstance(decided, Refusal)
    return decided.reason


def with_authority(**changes: object) -> ApplicationDetails:
    authority = SigningAuthority(b.KEY.public_key().public_bytes_raw(), True, "end-user")
    signing = replace(b.SIGNATORY, signing_authority=replace(authority, **changes))
    return b.details(parties=(b.APPLICANT, b.END_USER, signing))


def test_a_good_signature_issues_the_license() -> None:
    application = b.approved()

    license_ = application.license
    assert license_ is not None
    assert application.state is ApplicationState.APPROVED
    assert license_.state is LicenseState.ACTIVE
    assert license_.license_number == "SC-2026-" + license_.license_id.hex[-12:].upper()
    assert license_.not_after == b.NOW + timedelta(days=365)
    assert (license_.holder_name, license_.end_user_names) == (
        "Party applicant",
        ("Party end-user",),
    )


def test_a_signature_with_another_key_is_refused() -> None:
    waiting = b.awaiting_signature()

    decided = decide(waiting, b.accept(waiting, b.OTHER_KEY), b.NOW)

    assert isinstance(decided, Refusal)
    assert decided.reason is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize("party_id", ["nobody", "applicant", "end-user"])
def test_a_party_without_authority_cannot_sign(party_id: str) -> None:
    assert (
        refused(b.awaiting_signature(), signatory_party_id=party_id)
        is Reason.SIGNATORY_NOT_AUTHORIZED
    )


def test_a_person_whom_the_end_user_did_not_authorize_cannot_sign() -> None:
    assert (
        refused(b.awaiting_signature(with_authority(is_authorized=False)))
        is Reason.SIGNATORY_NOT_AUTHORIZED
    )


def test_a_signature_under_another_version_is_refused() -> None:
    assert refused(b.awaiting_signature(), code_version="0.9") is Reason.CODE_OUT_OF_DATE


def test_a_signature_over_an_old_text_is_refused() -> None:
    waiting = b.awaiting_signature()
    old = acceptance_text(replace(waiting, code_digest=b"\x00" * 32), "signatory")

    assert refused(waiting, signature=b.KEY.sign(old)) is Reason.SIGNATURE_INVALID


def test_a_signature_for_another_decision_is_refused() -> None:
    waiting = b.awaiting_signature()
    assert waiting.decision is not None
    other = replace(waiting, decision=replace(waiting.decision, decision_id=b.LICENSE_ID))

    assert (
        refused(waiting, signature=b.KEY.sign(acceptance_text(other, "signatory")))
        is Reason.SIGNATURE_INVALID
    )


def test_an_expired_key_cannot_sign() -> None:
    assert (
        refused(b.awaiting_signature(with_authority(valid_until=b.NOW)))
        is Reason.SIGNING_KEY_EXPIRED
    )


def test_a_key_that_is_still_valid_can_sign() -> None:
    waiting = b.awaiting_signature(with_authority(valid_until=b.NOW + timedelta(seconds=1)))

    assert b.after(waiting, b.accept(waiting)).state is ApplicationState.APPROVED


def test_a_signature_that_comes_too_late_is_refused_before_the_timer_fires() -> None:
    waiting = b.awaiting_signature()

    decided = decide(waiting, b.accept(waiting), b.NOW + timedelta(days=30))

    assert isinstance(decided, Refusal)
    assert decided.reason is Reason.SIGNING_TIME_OVER


def test_the_text_names_everything_that_a_signature_is_bound_to() -> None:
    text = acceptance_text(b.awaiting_signature(), "signatory").decode()

    assert text.splitlines()[2:] == [
        f"application: {b.APPLICATION_ID}",
        f"decision: {b.DECISION_ID}",
        "code-version: 1.0",
        f"code-sha256: {'01' * 32}",
        'license-holder: "Party applicant"',
        "signatory: signatory",
    ]


def test_a_name_cannot_add_a_line_to_the_text() -> None:
    holder = b.party("holder", PartyRole.LICENSE_HOLDER, name="Example\ndecision: another")
    waiting = b.awaiting_signature(b.with_parties(holder))

    assert len(acceptance_text(waiting, "signatory").splitlines()) == 8
    assert license_holder(waiting.details) == holder


def test_the_suggested_signatory_may_sign() -> None:
    assert signatories(b.details()) == (b.SIGNATORY,)
    assert signatories(with_authority(is_authorized=False)) == ()


def test_an_application_has_no_acceptance_text_before_approval() -> None:
    with pytest.raises(ValueError, match="approved"):
        acceptance_text(b.submitted(), "signatory")
