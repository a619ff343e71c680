"""Errors of the command: reason, fields, next step and exit code."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import grpc
import pytest
from safeconduct.applications.v1 import errors_pb2 as applications_errors
from safeconduct.cli.failures import ADVICE
from safeconduct.enforcement.v1 import errors_pb2 as enforcement_errors
from safeconduct.options.v1 import options_pb2
from safeconduct.screening.v1 import errors_pb2 as screening_errors

from tests.sdk.cli.running import Command, run
from tests.sdk.fake_services import (
    APPLICATION,
    FakeServices,
    bad_request,
    wrong_state,
)
from tests.sdk.servers import reason

REQUEST = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b0aa"


async def test_a_refusal_names_reason_fields_and_what_to_do(
    command: Command, services: FakeServices, hospital: Path
) -> None:
    services.refusals["SubmitApplication"] = [bad_request("details.parties[0].country")] * 2

    told = await command("applications", "submit", str(hospital))
    as_json = await command("applications", "submit", str(hospital), "--json")

    assert (told.code, told.out) == (2, "")
    assert told.err == (
        "VALIDATION_FAILED: fields break the contract\n"
        f"  {hospital}:8: parties[0].country: two capital letters\n"
        "  violationCount: 1\n"
        "Correct the fields named and send the request again.\n"
    )
    assert as_json.out == ""
    assert json.loads(as_json.err)["error"]["violations"][0]["path"] == "details.parties[0].country"


@pytest.mark.parametrize(
    ("code", "name", "exits"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "NOT_VISIBLE", 3),
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", 3),
        (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", 4),
        (grpc.StatusCode.ABORTED, "STALE_ETAG", 4),
        (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", 5),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", 2),
        (grpc.StatusCode.INTERNAL, "INTERNAL", 1),
    ],
)
async def test_the_exit_code_says_what_kind_of_refusal_it_was(
    command: Command, services: FakeServices, code: grpc.StatusCode, name: str, exits: int
) -> None:
    services.refusals["GetApplication"] = [(code, "no", reason(name))]

    ran = await command("applications", "get", APPLICATION)

    assert ran.code == exits
    assert ran.err == f"{name}: no\n{ADVICE[name]}\n"


def test_every_published_reason_has_advice() -> None:
    published = {
        name.removeprefix(prefix)
        for enum, prefix in [
            (options_pb2.CommonReason, "COMMON_REASON_"),
            (applications_errors.ErrorReason, "ERROR_REASON_"),
            (screening_errors.ErrorReason, "ERROR_REASON_"),
            (enforcement_errors.ErrorReason, "ERROR_REASON_"),
        ]
        for name in enum.keys()  # noqa: SIM118 - no dict
    } - {"UNSPECIFIED"}

    assert published - ADVICE.keys() == set()


async def test_without_a_service_the_command_says_so_and_exits_6(command: Command) -> None:
    ran = await command("applications", "get", APPLICATION, "--applications", "127.0.0.1:1")

    assert ran.code == 6
    assert ran.err.startswith("UNAVAILABLE: ")
    assert "Nothing listens at 127.0.0.1:1 (applications)." in ran.err


async def test_without_settings_the_command_says_which_and_how() -> None:
    ran = await run({}, "applications", "list")

    assert ran.code == 2
    assert "SAFECONDUCT_CA=FILE.pem" in ran.err
    assert "--key" in ran.err


async def test_a_wrong_state_says_what_can_be_done(
    command: Command, services: FakeServices
) -> None:
    services.refusals["WithdrawApplication"] = [wrong_state()]

    ran = await command("applications", "withdraw", APPLICATION)

    assert ran.code == 4
    assert "allowedCommands: WithdrawApplication" in ran.err


async def test_a_command_whose_outcome_is_unknown_names_the_request_id_to_repeat_it_with(
    command: Command, services: FakeServices
) -> None:
    """The database may have stored it before the answer was lost."""
    away = (grpc.StatusCode.UNAVAILABLE, "no answer", reason("STORAGE_UNAVAILABLE"))
    services.refusals["WithdrawApplication"] = [away] * 500

    at_once = {"SAFECONDUCT_RETRY_SECONDS": "0"}
    withdraw = ("applications", "withdraw", APPLICATION)
    told = await command(*withdraw, "--request-id", REQUEST, **at_once)
    of_its_own = await command(*withdraw, "--json", **at_once)

    assert "nothing was changed" not in told.err.lower()
    assert f"  request id: {REQUEST}\n{ADVICE['STORAGE_UNAVAILABLE']}\n" in told.err
    assert "repeat it with the same --request-id" in ADVICE["STORAGE_UNAVAILABLE"]
    assert UUID(json.loads(of_its_own.err)["error"]["requestId"])
