"""The rule of the gate, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.enforcement.v1 import model_pb2
from safeconduct.gate import decode_standing
from safeconduct.standing import Access, AccessVerdict, Standing, StandingState, judge

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LICENSE = Standing(
    license_id="a-license",
    license_number="SC-2026-00000001",
    partner_id="example-1",
    version=3,
    state=StandingState.ACTIVE,
    model_ids=frozenset({"example-frontier-1"}),
    destinations=frozenset({"DE"}),
    end_uses=frozenset({"HEALTHCARE"}),
    not_before=BEGIN,
    not_after=END,
    lease_seconds=30,
    reason="",
    changed_at=None,
)
ACCESS = Access("a-license", "example-frontier-1", "DE", "HEALTHCARE")


def test_an_access_within_the_license_is_allowed() -> None:
    verdict = judge(LICENSE, ACCESS, NOON, 0.5)

    assert (verdict.allowed, verdict.reason, verdict.standing_version) == (
        True,
        AccessVerdict.ALLOWED,
        3,
    )


@pytest.mark.parametrize(
    ("standing", "access", "now", "age", "expected"),
    [
        (None, ACCESS, NOON, 0.0, "UNKNOWN_LICENSE"),
        (replace(LICENSE, state=StandingState.REVOKED), ACCESS, NOON, 0.0, "REVOKED"),
        (replace(LICENSE, state=StandingState.REVOKED), ACCESS, NOON, 31.0, "REVOKED"),
        (replace(LICENSE, state=StandingState.SUSPENDED), ACCESS, NOON, 31.0, "LEASE_EXPIRED"),
        (replace(LICENSE, state=StandingState.SUSPENDED), ACCESS, NOON, 30.0, "SUSPENDED"),
        (LICENSE, ACCESS, NOON, 30.000001, "LEASE_EXPIRED"),
        (LICENSE, ACCESS, NOON, float("inf"), "LEASE_EXPIRED"),
        (LICENSE, ACCESS, NOON, float("nan"), "LEASE_EXPIRED"),
        (LICENSE, ACCESS, BEGIN - timedelta(microseconds=1), 0.0, "NOT_YET_VALID"),
        (LICENSE, ACCESS, BEGIN, 0.0, "ALLOWED"),
        (LICENSE, ACCESS, END, 0.0, "EXPIRED"),
        (LICENSE, replace(ACCESS, model_id="example-frontier-2"), NOON, 0.0, "MODEL_NOT_GRANTED"),
        (LICENSE, replace(ACCESS, destination="FR"), NOON, 0.0, "DESTINATION_NOT_GRANTED"),
        (LICENSE, replace(ACCESS, end_use="MILITARY"), NOON, 0.0, "END_USE_NOT_GRANTED"),
    ],
)
def test_every_denial_names_its_reason(
    standing: Standing | None, access: Access, now: datetime, age: float, expected: str
) -> None:
    verdict = judge(standing, access, now, age)

    assert (verdict.reason, verdict.allowed) == (expected, expected == "ALLOWED")
    assert verdict.explanation.endswith(".")


@given(
    age=st.floats(allow_nan=True),
    state=st.sampled_from(StandingState),
    lease=st.integers(-5, 60),
    hours=st.integers(-9000, 9000),
)
def test_nothing_is_allowed_on_knowledge_older_than_the_lease(
    age: float, state: StandingState, lease: int, hours: int
) -> None:
    verdict = judge(
        replace(LICENSE, state=state, lease_seconds=lease),
        ACCESS,
        NOON + timedelta(hours=hours),
        age,
    )

    assert not verdict.allowed or (age <= lease and state is StandingState.ACTIVE)


def test_the_verdicts_have_the_names_of_the_contract() -> None:
    published = {
        name.removeprefix("ACCESS_VERDICT_")
        for name in model_pb2.AccessVerdict.keys()  # noqa: SIM118 - an enum wrapper is no dict
    } - {"UNSPECIFIED"}

    assert published == set(AccessVerdict)


def test_a_standing_without_dates_or_with_an_unknown_state_denies() -> None:
    bare = model_pb2.Standing(license_id="a-license", version=1, state=9, lease_seconds=30)  # type: ignore[arg-type]  # a state that this version does not know

    assert judge(decode_standing(bare), ACCESS, NOON, 0.0).reason is AccessVerdict.SUSPENDED
    bare.state = model_pb2.STANDING_STATE_ACTIVE
    assert judge(decode_standing(bare), ACCESS, NOON, 0.0).reason is AccessVerdict.NOT_YET_VALID
