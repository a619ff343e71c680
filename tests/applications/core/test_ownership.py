from __future__ import annotations

from dataclasses import replace

import pytest

from services.applications.core.application_details import (
    ApplicationDetails,
    Ownership,
    PartyRole,
    ShareRange,
)
from services.applications.core.ownership import has_unknown, largest_percent, red_flags, rules_met
from services.applications.core.screening_summary import (
    OwnershipCause,
    OwnershipFinding,
    OwnershipResult,
)
from tests.applications import builders as b

BLOCKED = OwnershipFinding(
    "end-user",
    OwnershipResult.BLOCKED,
    OwnershipCause.OWNED_BY_LISTED,
    "a-rule",
    at_least_percent=55.0,
    at_most_percent=70.0,
    list_codes=("SDN", "EL"),
    explanation="Listed parties own 55 % of end-user.",
)
FLAG = OwnershipFinding(
    "deployer",
    OwnershipResult.RED_FLAG,
    OwnershipCause.MINORITY_STAKE,
    "a-rule",
    at_least_percent=10.0,
    list_codes=("SDN",),
    explanation="Listed parties own 10 % of deployer.",
)


def owned(*stakes: Ownership) -> ApplicationDetails:
    return b.with_parties(b.party("owner", PartyRole.BENEFICIAL_OWNER, owns=stakes))


def test_a_rule_that_is_met_is_returned_with_its_findings() -> None:
    another = replace(
        BLOCKED, party_id="deployer", explanation="Listed parties own 60 % of deployer."
    )
    screening = b.screening(b.details(), ownership=b.ownership(BLOCKED, FLAG, another))

    assert rules_met(screening) == {
        "a-rule": "Listed parties own 55 % of end-user. Listed parties own 60 % of deployer.",
    }
    assert red_flags(screening) == ("Listed parties own 10 % of deployer.",)


def test_the_largest_share_counts_certain_shares_of_parties_on_the_given_lists() -> None:
    screening = b.screening(b.details(), ownership=b.ownership(BLOCKED, FLAG))

    assert (largest_percent(screening), largest_percent(screening, frozenset({"SDN"}))) == (
        55.0,
        10.0,
    )


@pytest.mark.parametrize(
    ("stakes", "is_unknown"),
    [
        ((Ownership("end-user", 30.0),), False),
        ((Ownership("end-user", share_range=ShareRange(10.0, 20.0)),), False),
        ((Ownership("end-user"),), True),
        ((), True),
    ],
    ids=["exact", "bounds", "unknown", "of whom is not stated"],
)
def test_a_share_that_is_not_stated_is_not_known(
    stakes: tuple[Ownership, ...], is_unknown: bool
) -> None:
    details = owned(*stakes)

    assert has_unknown(details, b.screening(details)) is is_unknown


def test_owners_that_were_never_assessed_count_as_not_known() -> None:
    details = owned(Ownership("end-user", 30.0))

    assert has_unknown(details, b.screening(details, ownership=None))
    assert not has_unknown(b.details(), b.screening(b.details(), ownership=None)), (
        "nobody owns anybody"
    )


@pytest.mark.parametrize("cause", [OwnershipCause.UNKNOWN_SHARE, OwnershipCause.UNKNOWN_HOLDING])
def test_a_share_that_screening_does_not_know_is_not_known(cause: OwnershipCause) -> None:
    details = owned(Ownership("end-user", share_range=ShareRange(40.0, 60.0)))

    assert has_unknown(
        details, b.screening(details, ownership=b.ownership(replace(FLAG, cause=cause)))
    )
