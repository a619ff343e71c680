"""The refusal reasons of the code are exactly those of the contracts."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import pytest
from safeconduct.applications.v1 import errors_pb2 as applications_errors
from safeconduct.enforcement.v1 import errors_pb2 as enforcement_errors
from safeconduct.options.v1 import options_pb2
from safeconduct.screening.v1 import errors_pb2 as screening_errors

from chassis.rpc.errors import CommonReason
from services.applications.core import errors as applications
from services.enforcement.core import errors as enforcement
from services.screening.core import errors as screening
from tests.contracts.descriptors import Part, parts

STATUSES = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED", "NOT_FOUND", "ABORTED")


@pytest.mark.parametrize(
    ("reasons", "contract", "prefix"),
    [
        (applications.Reason, applications_errors.ErrorReason, "ERROR_REASON_"),
        (enforcement.Reason, enforcement_errors.ErrorReason, "ERROR_REASON_"),
        (screening.Reason, screening_errors.ErrorReason, "ERROR_REASON_"),
        (CommonReason, options_pb2.CommonReason, "COMMON_REASON_"),
    ],
    ids=["applications", "enforcement", "screening", "common"],
)
def test_the_reasons_of_the_code_are_those_of_the_contract(
    reasons: type[StrEnum], contract: Any, prefix: str
) -> None:
    published = [name.removeprefix(prefix) for name, number in contract.items() if number]

    assert [reason.value for reason in reasons] == published


SENT = [
    part
    for part in parts()
    if ".ErrorReason.ERROR_REASON_" in part.name and not part.name.endswith("_UNSPECIFIED")
]


@pytest.mark.parametrize("part", SENT, ids=lambda part: part.name.removeprefix("safeconduct."))
def test_a_reason_says_with_which_status_and_metadata_it_comes(part: Part) -> None:
    assert any(status in part.comment for status in STATUSES)
    assert "Metadata: " in part.comment or "BadRequest" in part.comment


def test_the_faults_of_a_submission_are_those_that_its_reason_names() -> None:
    (part,) = (
        part for part in parts() if part.name.endswith(".ERROR_REASON_INCONSISTENT_APPLICATION")
    )
    named = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", part.comment)) - {"INVALID_ARGUMENT"}

    assert named == {fault.value for fault in applications.Fault}
