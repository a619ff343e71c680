"""The audit's own evaluation of a policy text gives what the service's gives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safeconduct.applications.v1 import model_pb2 as model

from chassis.proto_mapping import to_timestamp
from operations.audit.kept_policy import (
    BARS_RULE,
    PolicyTextError,
    barred,
    bars,
    evaluate,
)
from services.applications.core import auto_approval
from services.applications.core.application_details import (
    AccessMode,
    ApplicationDetails,
    EndUse,
    Item,
    PartyRole,
    RedFlag,
    Sector,
)
from services.applications.core.model import RuleEffect
from services.applications.core.policy_facts import facts
from services.applications.core.screening_summary import PartyFinding
from services.applications.shell import codec
from services.applications.shell.policy import facts_message
from tests.applications import builders as b

DETAILS = st.builds(
    lambda uses, modes, country, flags, days, sector, statement: b.details(
        end_uses=uses,
        items=tuple(Item("example-frontier-1", mode) for mode in modes),
        destinations=(country,),
        red_flags=flags,
        validity_days=days,
        parties=(
            b.APPLICANT,
            b.party("end-user", PartyRole.END_USER, sector=sector),
            b.SIGNATORY,
        ),
        **({} if statement else {"end_user_statement": None}),
    ),
    st.lists(st.sampled_from(EndUse), min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(st.sampled_from(AccessMode), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(["DE", "KP", "CN", "AQ", "US"]),
    st.lists(st.sampled_from(RedFlag), max_size=2, unique=True).map(tuple),
    st.integers(1, 2000),
    st.sampled_from([None, *Sector]),
    st.booleans(),
)
FINDINGS = st.sampled_from([(), (b.LISTED,), (b.CONFIRMED,), (b.CLEARED,)])
DAYS = st.integers(-400, 4000)
TEXT = b.POLICY.text.content


def as_bytes(outcome: model.PolicyOutcome) -> bytes:
    return outcome.SerializeToString(deterministic=True)


@settings(max_examples=200, deadline=None)
@given(DETAILS, FINDINGS, DAYS)
def test_the_outcome_is_that_of_the_service_byte_for_byte(
    details: ApplicationDetails, findings: tuple[PartyFinding, ...], days: int
) -> None:
    now = b.NOW + timedelta(days=days)
    screening = b.screening(details, *findings)
    found = facts_message(facts(details, screening, b.REFERENCE_DATA, now))
    outcome = b.POLICY.evaluate(found, now)
    obstacles = auto_approval.obstacles(details, screening, outcome)

    replayed = evaluate(TEXT, found, to_timestamp(now))
    replayed.policy_digest = outcome.policy_digest

    assert as_bytes(replayed) == as_bytes(codec.POLICY.to_proto(outcome))
    assert bars(found, replayed.fired) == obstacles
    if outcome.effect is RuleEffect.APPROVE and obstacles:
        referred = codec.POLICY.to_proto(auto_approval.referred(outcome, obstacles))
        assert as_bytes(barred(replayed, obstacles)) == as_bytes(referred)


def test_the_names_of_the_rules_that_no_file_has_are_those_of_the_service() -> None:
    assert BARS_RULE == auto_approval.RULE_ID


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"version: 1", b"version: '1'\nrules: []\n", b"\xff", TEXT[:700]]
)
def test_what_is_no_policy_file_is_an_error_of_its_own(text: bytes) -> None:
    with pytest.raises(PolicyTextError):
        evaluate(text, facts_message(b.basis().facts), to_timestamp(b.NOW))


def test_a_rule_that_this_release_cannot_compile_is_an_error_of_its_own() -> None:
    text = TEXT.replace(b"when: facts.has_embargoed_country", b"when: facts.no_such_fact")

    with pytest.raises(PolicyTextError):
        evaluate(text, facts_message(b.basis().facts), to_timestamp(b.NOW))
