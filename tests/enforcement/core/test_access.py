"""The verdict at the gate: the first rule that denies is the reason."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct import standing as gate
from safeconduct.gate import decode_standing

from services.enforcement.core.access import Access, Verdict, judge
from services.enforcement.core.model import StandingState
from services.enforcement.shell import codec
from tests.enforcement.core.builders import LICENSE, NOW, issued

STANDING = issued().known_standing
ACCESS = Access("frontier-1", "DE", "HEALTHCARE")
SECOND = 1_000_000_000
LATER = STANDING.not_after
# In the order of the rules: each change brings its own reason, whatever comes after it also denies.
CHANGES = {
    Verdict.REVOKED: {"state": StandingState.REVOKED},
    Verdict.LEASE_EXPIRED: {"lease_seconds": 1},
    Verdict.SUSPENDED: {"state": StandingState.SUSPENDED},
    Verdict.NOT_YET_VALID: {"not_before": NOW + timedelta(days=1)},
    Verdict.EXPIRED: {"not_after": NOW},
    Verdict.MODEL_NOT_GRANTED: {"model_ids": ("frontier-2",)},
    Verdict.DESTINATION_NOT_GRANTED: {"destinations": ("US",)},
    Verdict.END_USE_NOT_GRANTED: {"end_uses": ("FINANCIAL_SERVICES",)},
}
AGE = 2 * SECOND


def test_what_is_granted_is_allowed() -> None:
    assert judge(STANDING, ACCESS, NOW, AGE).verdict is Verdict.ALLOWED


def test_an_unknown_license_is_denied() -> None:
    assert judge(None, ACCESS, NOW, 0).verdict is Verdict.UNKNOWN_LICENSE


@pytest.mark.parametrize("verdict", CHANGES)
def test_each_rule_denies_with_its_reason(verdict: Verdict) -> None:
    judgement = judge(replace(STANDING, **CHANGES[verdict]), ACCESS, NOW, AGE)

    assert judgement.verdict is verdict
    assert STANDING.license_number in judgement.sentence


@given(st.sets(st.sampled_from(list(CHANGES)), min_size=1))
def test_the_first_rule_that_denies_is_the_reason(verdicts: set[Verdict]) -> None:
    standing = STANDING
    for verdict in reversed(CHANGES):
        if verdict in verdicts:
            standing = replace(standing, **CHANGES[verdict])

    assert judge(standing, ACCESS, NOW, AGE).verdict is next(
        verdict for verdict in CHANGES if verdict in verdicts
    )


@given(
    st.sets(st.sampled_from(list(CHANGES))),
    st.sampled_from([None, 0, AGE, 10 * SECOND, 10 * SECOND + 1]),
)
def test_the_published_gate_decides_as_the_service_does(
    verdicts: set[Verdict], age: int | None
) -> None:
    changes = [CHANGES[verdict] for verdict in reversed(CHANGES) if verdict in verdicts]
    standing = STANDING
    for change in changes:
        standing = replace(standing, **change)
    seconds = float("inf") if age is None else age / SECOND
    asked = gate.Access(str(LICENSE), ACCESS.model_id, ACCESS.destination, ACCESS.end_use)

    at_the_gate = gate.judge(decode_standing(codec.standing(standing)), asked, NOW, seconds)

    assert at_the_gate.reason.value == judge(standing, ACCESS, NOW, age).verdict.value


def test_knowledge_exactly_as_old_as_the_lease_still_counts() -> None:
    lease = STANDING.lease_seconds * SECOND

    assert judge(STANDING, ACCESS, NOW, lease).verdict is Verdict.ALLOWED
    assert judge(STANDING, ACCESS, NOW, lease + 1).verdict is Verdict.LEASE_EXPIRED


def test_a_license_holds_from_its_first_moment_until_before_its_last() -> None:
    assert judge(STANDING, ACCESS, STANDING.not_before, 0).verdict is Verdict.ALLOWED
    assert judge(STANDING, ACCESS, LATER - timedelta(microseconds=1), 0).verdict is Verdict.ALLOWED
    assert judge(STANDING, ACCESS, LATER, 0).verdict is Verdict.EXPIRED
