"""The rule of the gate, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.enforcement.v1 import model_pb2
from safeconduct.gate import decode_standing
from safeconduct.standing import (
    NANOSECONDS,
    Access,
    AccessMode,
    AccessVerdict,
    Clause,
    EndUse,
    Grant,
    MeasureKind,
    Standing,
    StandingCause,
    StandingState,
    judge,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LICENSE = Standing(
    license_id="a-license",
    license_number="SC-2026-00000001",
    partner_id="example-1",
    version=3,
    state=StandingState.ACTIVE,
    requires=frozenset(),
    grants=frozenset({Grant("example-frontier-1", AccessMode.HOSTED_ACCESS)}),
    destinations=frozenset({"DE"}),
    end_uses=frozenset({EndUse.HEALTHCARE}),
    not_before=BEGIN,
    not_after=END,
    lease_seconds=30,
    cause=None,
    changed_at=None,
)
ACCESS = Access("a-license", "example-frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE")


def test_an_access_within_the_license_is_allowed() -> None:
    verdict = judge(LICENSE, ACCESS, NOON, NANOSECONDS // 2)

    assert (verdict.allowed, verdict.reason, verdict.standing_version) == (
        True,
        AccessVerdict.ALLOWED,
        3,
    )


@pytest.mark.parametrize(
    ("standing", "access", "now", "age", "expected"),
    [
        (None, ACCESS, NOON, 0, "UNKNOWN_LICENSE"),
        (replace(LICENSE, state=StandingState.REVOKED), ACCESS, NOON, 0, "REVOKED"),
        (replace(LICENSE, state=StandingState.REVOKED), ACCESS, NOON, 31 * NANOSECONDS, "REVOKED"),
        (
            replace(LICENSE, state=StandingState.SUSPENDED),
            ACCESS,
            NOON,
            31 * NANOSECONDS,
            "LEASE_EXPIRED",
        ),
        (
            replace(LICENSE, state=StandingState.SUSPENDED),
            ACCESS,
            NOON,
            30 * NANOSECONDS,
            "SUSPENDED",
        ),
        (LICENSE, ACCESS, NOON, 30 * NANOSECONDS + 1, "LEASE_EXPIRED"),
        (LICENSE, ACCESS, NOON, None, "LEASE_EXPIRED"),
        (LICENSE, ACCESS, NOON, -1, "LEASE_EXPIRED"),
        (LICENSE, ACCESS, BEGIN - timedelta(microseconds=1), 0, "NOT_YET_VALID"),
        (LICENSE, ACCESS, BEGIN, 0, "ALLOWED"),
        (LICENSE, ACCESS, END, 0, "EXPIRED"),
        (LICENSE, replace(ACCESS, model_id="example-frontier-2"), NOON, 0, "MODEL_NOT_GRANTED"),
        (
            LICENSE,
            replace(ACCESS, access_mode="MODEL_WEIGHTS"),
            NOON,
            0,
            "ACCESS_MODE_NOT_GRANTED",
        ),
        (
            replace(LICENSE, grants=frozenset({Grant("example-frontier-1", None)})),
            ACCESS,
            NOON,
            0,
            "ACCESS_MODE_NOT_GRANTED",
        ),
        (replace(LICENSE, requires=frozenset({"later"})), ACCESS, NOON, 0, "GATE_TOO_OLD"),
        (LICENSE, replace(ACCESS, destination="FR"), NOON, 0, "DESTINATION_NOT_GRANTED"),
        (LICENSE, replace(ACCESS, end_use="MILITARY"), NOON, 0, "END_USE_NOT_GRANTED"),
    ],
)
def test_every_denial_names_its_reason(
    standing: Standing | None, access: Access, now: datetime, age: int | None, expected: str
) -> None:
    verdict = judge(standing, access, now, age)

    assert (verdict.reason, verdict.allowed) == (expected, expected == "ALLOWED")
    assert verdict.explanation.endswith(".")


@given(
    age=st.none() | st.integers(-(10**11), 10**11),
    state=st.sampled_from(StandingState),
    lease=st.integers(-5, 60),
    hours=st.integers(-9000, 9000),
)
def test_nothing_is_allowed_on_knowledge_older_than_the_lease(
    age: int | None, state: StandingState, lease: int, hours: int
) -> None:
    verdict = judge(
        replace(LICENSE, state=state, lease_seconds=lease),
        ACCESS,
        NOON + timedelta(hours=hours),
        age,
    )

    assert not verdict.allowed or (
        age is not None and 0 <= age <= lease * NANOSECONDS and state is StandingState.ACTIVE
    )


@pytest.mark.parametrize(
    "kind", [AccessMode, AccessVerdict, Clause, EndUse, MeasureKind, StandingState]
)
def test_the_enums_have_the_names_of_the_contract(kind: type[StrEnum]) -> None:
    contract: Any = getattr(model_pb2, kind.__name__)
    prefix = contract.Name(0).removesuffix("UNSPECIFIED")

    assert [member.value for member in kind] == [
        name.removeprefix(prefix) for name in contract.keys()[1:]
    ]


# In the order of the rules: each change brings its own verdict, whatever later rule also denies.
CHANGES: dict[AccessVerdict, dict[str, Any]] = {
    AccessVerdict.REVOKED: {"state": StandingState.REVOKED},
    AccessVerdict.LEASE_EXPIRED: {"lease_seconds": 1},
    AccessVerdict.GATE_TOO_OLD: {"requires": frozenset({"something-later"})},
    AccessVerdict.SUSPENDED: {"state": StandingState.SUSPENDED},
    AccessVerdict.NOT_YET_VALID: {"not_before": NOON + timedelta(days=1)},
    AccessVerdict.EXPIRED: {"not_after": NOON},
    AccessVerdict.MODEL_NOT_GRANTED: {
        "grants": frozenset({Grant("frontier-2", AccessMode.HOSTED_ACCESS)})
    },
    AccessVerdict.ACCESS_MODE_NOT_GRANTED: {
        "grants": frozenset({Grant("example-frontier-1", AccessMode.MODEL_WEIGHTS)})
    },
    AccessVerdict.DESTINATION_NOT_GRANTED: {"destinations": frozenset({"US"})},
    AccessVerdict.END_USE_NOT_GRANTED: {"end_uses": frozenset({EndUse.FINANCIAL_SERVICES})},
}


@given(st.sets(st.sampled_from(list(CHANGES)), min_size=1))
def test_the_first_rule_that_denies_is_the_reason(verdicts: set[AccessVerdict]) -> None:
    standing = LICENSE
    for verdict in reversed(CHANGES):  # an earlier rule's change replaces a later one's
        if verdict in verdicts:
            standing = replace(standing, **CHANGES[verdict])

    decided = judge(standing, ACCESS, NOON, 2 * NANOSECONDS)

    assert decided.reason is next(verdict for verdict in CHANGES if verdict in verdicts)


@pytest.mark.parametrize("verdict", list(CHANGES)[:6])
def test_a_denial_about_the_license_names_its_number(verdict: AccessVerdict) -> None:
    decided = judge(replace(LICENSE, **CHANGES[verdict]), ACCESS, NOON, 2 * NANOSECONDS)

    assert LICENSE.license_number in decided.explanation


CAUSES = [
    StandingCause(None, None, is_list_match=True),
    *(
        StandingCause(kind, clause, is_list_match=False)
        for kind in MeasureKind
        for clause in Clause
    ),
]


@pytest.mark.parametrize("cause", CAUSES, ids=str)
def test_a_cause_is_parsed_from_its_text(cause: StandingCause) -> None:
    assert StandingCause.parse(str(cause)) == cause


@pytest.mark.parametrize("text", ["", "REVOCATION", "REVOCATION:", "FINE:OVER_USE", "list match"])
def test_any_other_text_is_no_cause(text: str) -> None:
    assert StandingCause.parse(text) is None


def test_a_standing_of_an_earlier_release_is_read_from_its_texts() -> None:
    message = model_pb2.Standing(
        state=model_pb2.STANDING_STATE_REVOKED,
        model_ids=["example-frontier-1"],
        end_uses=["HEALTHCARE", "SOMETHING_LATER"],
        reason="REVOCATION:OVER_USE",
    )

    standing = decode_standing(message)

    assert standing.grants == {Grant("example-frontier-1", None)}
    assert standing.end_uses == {EndUse.HEALTHCARE}
    assert standing.cause == StandingCause(
        MeasureKind.REVOCATION, Clause.OVER_USE, is_list_match=False
    )


def test_a_standing_without_dates_or_with_an_unknown_state_denies() -> None:
    bare = model_pb2.Standing(license_id="a-license", version=1, state=9, lease_seconds=30)  # type: ignore[arg-type]  # a state that this version does not know

    assert judge(decode_standing(bare), ACCESS, NOON, 0).reason is AccessVerdict.SUSPENDED
    bare.state = model_pb2.STANDING_STATE_ACTIVE
    assert judge(decode_standing(bare), ACCESS, NOON, 0).reason is AccessVerdict.NOT_YET_VALID
