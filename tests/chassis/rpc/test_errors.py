from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from safeconduct.options.v1 import options_pb2

from chassis.rpc.errors import (
    CommonReason,
    RpcError,
    bad_request,
    draining,
    rpc_error,
    status_of,
    unavailable,
)


@dataclass(frozen=True)
class Fault:
    path: str
    reason: str
    description: str


@dataclass(frozen=True)
class Refusal:
    kind: str
    reason: str = "REASON"
    message: str = "why"
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[Fault, ...] = ()


def test_the_reasons_are_those_of_the_contract() -> None:
    contract = options_pb2.CommonReason.DESCRIPTOR.values
    names = {value.name.removeprefix("COMMON_REASON_") for value in contract if value.number}

    assert names == set(CommonReason)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("INVALID", grpc.StatusCode.INVALID_ARGUMENT),
        ("PRECONDITION", grpc.StatusCode.FAILED_PRECONDITION),
        ("PERMISSION", grpc.StatusCode.PERMISSION_DENIED),
        ("NOT_FOUND", grpc.StatusCode.NOT_FOUND),
        ("ABORTED", grpc.StatusCode.ABORTED),
    ],
)
def test_the_kind_of_a_refusal_is_its_code(kind: Any, code: Any) -> None:
    assert code == rpc_error(Refusal(kind)).code


def test_a_refusal_of_an_unknown_kind_is_a_defect() -> None:
    with pytest.raises(KeyError):
        rpc_error(Refusal("RUDE"))


def test_faults_of_fields_become_a_bad_request() -> None:
    (detail,) = rpc_error(
        Refusal("INVALID", fields=(Fault("details.parties[1].country", "UNKNOWN", "no such"),))
    ).details

    assert [(each.field, each.reason, each.description) for each in detail.field_violations] == [
        ("details.parties[1].country", "UNKNOWN", "no such")
    ]


def test_a_precondition_names_its_subject() -> None:
    (detail,) = rpc_error(Refusal("PRECONDITION", metadata={"subject": "application"})).details

    assert [(v.type, v.subject, v.description) for v in detail.violations] == [
        ("REASON", "application", "why")
    ]


def test_a_status_begins_with_its_error_info() -> None:
    status = status_of(
        RpcError(grpc.StatusCode.ABORTED, "STALE", "old", {"etag": "7"}), "applications.safeconduct"
    )
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)

    assert (status.code, status.message) == (10, "old")
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "STALE",
        "applications.safeconduct",
        {"etag": "7"},
    )


@pytest.mark.parametrize("detail", [error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()])
def test_two_details_of_the_same_type_are_refused(detail: Any) -> None:
    with pytest.raises(ValueError, match="two details have the same type"):
        RpcError(grpc.StatusCode.ABORTED, "R", "m", None, error_details_pb2.RetryInfo(), detail)


def test_the_text_of_the_exception_leaves_out_its_message() -> None:
    assert str(RpcError(grpc.StatusCode.ABORTED, "R", "somebody's words")) == "ABORTED R"


def test_unavailable_has_a_time_to_retry() -> None:
    refusal = unavailable(CommonReason.NOT_READY, "starting", 1.5)
    (detail,) = refusal.details

    assert refusal.code == grpc.StatusCode.UNAVAILABLE
    assert detail.retry_delay.ToMilliseconds() == 1500
    assert draining().reason == "DRAINING"


def test_long_paths_are_cut_so_that_the_details_arrive() -> None:
    request = bad_request(
        (f"details.{'x' * 900}[{number}]", "R" * 90, "d" * 900) for number in range(40)
    )

    assert 0 < len(request.field_violations) < 40
    assert request.ByteSize() <= 5_400
