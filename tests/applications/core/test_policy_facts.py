"""Every event that holds an outcome of policy holds the facts and the digests it rests on."""

from __future__ import annotations

import pytest

from services.applications.core.commands import RevisionCause, Submit
from services.applications.core.decide import decide
from services.applications.core.events import (
    ApplicationApproved,
    ApplicationDenied,
    ApplicationReferred,
    ApplicationSubmitted,
    DenialIntended,
    Event,
    ScreeningRevised,
)
from services.applications.core.model import Outcome, RuleEffect
from tests.applications import builders as b

REVIEW = b.after(b.submitted(), b.conclude(RuleEffect.REFER))
CASES = {
    ApplicationReferred: (b.submitted(), b.conclude(RuleEffect.REFER)),
    DenialIntended: (b.submitted(), b.conclude(RuleEffect.DENY)),
    ApplicationApproved: (b.submitted(), b.conclude(RuleEffect.APPROVE)),
    ScreeningRevised: (REVIEW, b.revise(RevisionCause.LISTED)),
}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_an_outcome_of_policy_is_stored_with_what_it_rests_on(kind: type[Event]) -> None:
    application, command = CASES[kind]
    (event,) = decide(application, command, b.NOW)  # type: ignore[misc]  # never a refusal

    assert isinstance(event, kind)
    assert event.basis == b.basis()  # type: ignore[union-attr]  # all four events have one
    assert b.after(application, command).basis == b.basis()


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(Outcome.APPROVE, ApplicationApproved), (Outcome.DENY, ApplicationDenied)],
)
def test_a_decision_of_officers_names_the_basis_of_the_case(
    outcome: Outcome, kind: type[ApplicationApproved | ApplicationDenied]
) -> None:
    pending = b.after(REVIEW, b.recommend(what=outcome))
    (event,) = decide(pending, b.countersign(), b.NOW)  # type: ignore[misc]  # never a refusal

    assert isinstance(event, kind)
    assert event.basis == b.basis()


def test_a_submission_names_the_reference_data_that_it_was_checked_with() -> None:
    command = Submit(b.APPLICATION_ID, b.PARTNER, b.details(), b.REFERENCE_DATA)
    (event,) = decide(None, command, b.NOW)  # type: ignore[misc]  # never a refusal

    assert isinstance(event, ApplicationSubmitted)
    assert event.reference_data_digest == b.REFERENCE_DATA.digest
