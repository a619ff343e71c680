"""Bad input gets a precise typed error and changes nothing, seen by partners and officers."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from google.protobuf.timestamp_pb2 import Timestamp
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2, service_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client, SafeconductError, new_request_id
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2

from chassis.transport.brokers import client_options
from infra.local.stack import Stack
from infra.scenario.clients import Clients
from infra.scenario.scenario import Scenario

from .conftest import Examples

Of = Callable[[str], Client]
T = TypeVar("T")


def _copy(examples: Examples, name: str = "hospital-hosted-access") -> model_pb2.ApplicationDetails:
    details = model_pb2.ApplicationDetails()
    details.CopyFrom(examples[name])
    return details


async def _refused(call: Awaitable[object]) -> SafeconductError:
    with pytest.raises(SafeconductError) as refused:
        await call
    return refused.value


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Retries for at most a minute while the service is unavailable."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await call()
        except SafeconductError as error:
            if error.code is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


async def _count(clients: Clients) -> int:
    return len(
        [each.application_id async for each in clients.partner.applications.list(page_size=200)]
    )


async def test_missing_and_malformed_fields_are_named_with_their_paths(
    clients: Clients, examples: Examples
) -> None:
    details = _copy(examples)
    details.parties[1].country = "Germany"
    details.parties[1].ClearField("name")
    details.ClearField("declaration")
    before = await _count(clients)

    error = await _refused(clients.partner.applications.submit(details))

    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    paths = {violation.path for violation in error.violations}
    assert paths == {"details.parties[1].country", "details.parties[1].name", "details.declaration"}
    descriptions = {violation.path: violation.description for violation in error.violations}
    assert descriptions["details.parties[1].country"] == (
        "countries are ISO 3166-1 alpha-2 codes; Germany is DE"
    )
    assert descriptions["details.parties[1].name"] == "must not be empty"
    assert error.message.endswith(" (and 2 more faults)")
    assert await _count(clients) == before


async def test_unknown_countries_models_and_parties_are_all_named_at_once(
    clients: Clients, examples: Examples
) -> None:
    details = _copy(examples)
    details.destinations[0] = "XX"
    details.items[0].model_id = "no-such-model"
    details.end_user_statement.party_id = "nobody"

    error = await _refused(clients.partner.applications.submit(details))

    assert error.reason == "INCONSISTENT_APPLICATION"
    found = {(violation.path, violation.reason) for violation in error.violations}
    assert {
        ("details.destinations[0]", "UNKNOWN_COUNTRY"),
        ("details.items[0].model_id", "UNKNOWN_MODEL"),
        ("details.end_user_statement.party_id", "UNKNOWN_PARTY"),
    } <= found


async def test_of_41_violations_40_are_listed_and_all_are_counted(
    clients: Clients, examples: Examples
) -> None:
    details = _copy(examples)
    for number in range(41):
        party = details.parties.add()
        party.CopyFrom(details.parties[1])
        party.party_id, party.country = f"extra-{number}", "x"

    error = await _refused(clients.partner.applications.submit(details))

    assert (len(error.violations), error.metadata["violationCount"]) == (40, "41")


async def test_a_request_id_again_gives_the_first_answer_and_another_body_is_refused(
    clients: Clients, examples: Examples
) -> None:
    request_id = new_request_id()
    first = await clients.partner.applications.submit(_copy(examples), request_id=request_id)
    again = await clients.partner.applications.submit(_copy(examples), request_id=request_id)
    other = _copy(examples)
    other.validity_days = 30

    error = await _refused(clients.partner.applications.submit(other, request_id=request_id))

    assert first == again
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")


async def test_validate_only_names_no_application_and_stores_nothing(
    clients: Clients, examples: Examples
) -> None:
    before = await _count(clients)
    wrong = _copy(examples)
    wrong.destinations[0] = "XX"

    answer = await clients.partner.applications.submit(_copy(examples), validate_only=True)
    error = await _refused(clients.partner.applications.submit(wrong, validate_only=True))

    assert answer == model_pb2.Application()
    assert error.reason == "INCONSISTENT_APPLICATION"
    assert await _count(clients) == before


async def test_another_partners_application_is_not_visible_whether_or_not_it_exists(
    clients: Clients, examples: Examples, client_of: Of
) -> None:
    application = await clients.partner.applications.submit(_copy(examples))
    stranger = client_of("partner/example-2")

    real = await _refused(stranger.applications.get(application.application_id))
    unreal = await _refused(stranger.applications.get("00000000-0000-4000-8000-000000000000"))
    withdrawal = await _refused(stranger.applications.withdraw(application.application_id))

    expected = (
        grpc.StatusCode.PERMISSION_DENIED,
        "NOT_VISIBLE",
        "there is no application with this id, or you have no access to it",
    )
    assert {(each.code, each.reason, each.message) for each in (real, unreal, withdrawal)} == {
        expected
    }


async def test_a_stale_etag_is_aborted_and_a_wrong_state_says_what_is_allowed(
    clients: Clients, examples: Examples
) -> None:
    scenario = Scenario(clients, examples, lambda *_: None)
    await scenario.approve_by_policy()
    application_id = scenario.applications["a"]

    stale = await _refused(clients.partner.applications.withdraw(application_id, etag="v1"))
    wrong = await _refused(clients.partner.applications.withdraw(application_id))

    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    assert (wrong.code, wrong.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE")
    assert wrong.metadata["state"] == "APPROVED"
    assert wrong.metadata["command"] == "WithdrawApplication"


async def _awaiting_signature(
    clients: Clients, details: model_pb2.ApplicationDetails
) -> model_pb2.Application:
    application = await clients.partner.applications.submit(details)
    watch = clients.partner.applications.watch(application.application_id, give_up_after=60)
    async for change in watch:
        if change.state == model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE:
            break
    await watch.aclose()
    return await clients.partner.applications.get(application.application_id)


async def test_an_acceptance_needs_the_right_key_person_and_text(
    clients: Clients, examples: Examples
) -> None:
    details = _copy(examples)
    stranger = details.parties.add()
    stranger.CopyFrom(
        next(party for party in details.parties if party.HasField("signing_authority"))
    )
    stranger.party_id, stranger.signing_authority.is_authorized = "other-signatory", False
    application = await _awaiting_signature(clients, details)
    signer = next(
        party.party_id for party in details.parties if party.HasField("signing_authority")
    )
    accept, text = clients.partner.applications.accept_conduct_code, application.acceptance_text
    version, good = application.code_of_conduct.version, conduct.sign(text, clients.key)

    def asked(
        code_version: str, signatory: str, signature: bytes
    ) -> Awaitable[service_pb2.AcceptConductCodeResponse]:
        return accept(
            application.application_id,
            code_version=code_version,
            signatory_party_id=signatory,
            signature=signature,
        )

    wrong_key = await _refused(asked(version, signer, conduct.sign(text, conduct.generate_key())))
    wrong_person = await _refused(asked(version, "other-signatory", good))
    old_text = await _refused(asked("0.9", signer, good))
    unchanged = await clients.partner.applications.get(application.application_id)
    right = await asked(version, signer, good)

    assert wrong_key.reason == "SIGNATURE_INVALID"
    assert wrong_person.reason == "SIGNATORY_NOT_AUTHORIZED"
    assert (old_text.code, old_text.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CODE_OUT_OF_DATE",
    )
    assert unchanged == application
    assert right.license.license_number.startswith("SC-")


async def test_a_message_over_one_mebibyte_is_refused_with_its_size(
    clients: Clients, examples: Examples
) -> None:
    details = _copy(examples)
    details.parties[0].aliases.extend(["x" * 400] * 3000)

    error = await _refused(clients.partner.applications.submit(details))

    assert error.reason == "MESSAGE_TOO_LARGE"
    assert int(error.metadata["actualBytes"]) > int(error.metadata["maximumBytes"]) == 1024 * 1024


async def test_a_timestamp_out_of_range_is_a_typed_error(
    clients: Clients, examples: Examples
) -> None:
    details = _copy(examples)
    details.end_user_statement.signed_at.CopyFrom(Timestamp(seconds=10**14))

    error = await _refused(clients.partner.applications.submit(details))

    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")


async def test_an_unknown_clause_and_a_foreign_license_are_refused(
    clients: Clients, client_of: Of
) -> None:
    reporter = client_of("partner/example-2")
    unknown = await _refused(
        reporter.conduct.report(
            new_request_id(),
            clause=99,  # type: ignore[arg-type]  # no value of the contract
            reporter_kind=enforcement_pb2.REPORTER_KIND_PUBLIC,
            evidence_digests=[b"\0" * 32],
        )
    )
    claimed = await _refused(
        reporter.conduct.report(
            new_request_id(),
            clause=enforcement_pb2.CLAUSE_OVER_USE,
            reporter_kind=enforcement_pb2.REPORTER_KIND_AUTHORITY,
            evidence_digests=[b"\0" * 32],
        )
    )

    assert [violation.path for violation in unknown.violations] == ["clause"]
    assert claimed.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_partner_cannot_do_an_officers_work(clients: Clients) -> None:
    error = await _refused(clients.partner.reviews.explain("00000000-0000-4000-8000-000000000000"))

    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")


async def test_a_record_without_headers_becomes_a_dead_letter_and_the_partition_goes_on(
    stack: Stack, clients: Clients, examples: Examples
) -> None:
    topic, poison = (
        "safeconduct.screening.v1",
        hashlib.sha256(str(time.time_ns()).encode()).digest(),
    )
    producer = AIOKafkaProducer(**client_options(stack.kafka.bootstrap))
    await producer.start()
    try:
        for partition in range(6):
            await producer.send_and_wait(topic, poison, key=b"poison", partition=partition)
    finally:
        await producer.stop()

    application = await _awaiting_signature(clients, _copy(examples))

    assert (
        model_pb2.ApplicationState.Name(application.state) == "APPLICATION_STATE_AWAITING_SIGNATURE"
    )
    letters = AIOKafkaConsumer(
        f"{topic}.dlq",
        **client_options(stack.kafka.bootstrap),
        auto_offset_reset="earliest",
        group_id=None,
    )
    await letters.start()
    found: dict[str, str] = {}
    try:
        async with asyncio.timeout(30):
            while len(found) < 6:
                letter = await letters.getone()
                headers = {name: value.decode() for name, value in letter.headers}
                if letter.value == poison:
                    found[headers["dlq_partition"]] = headers["dlq_reason"]
    finally:
        await letters.stop()
    assert found == {str(partition): "UNDECODABLE" for partition in range(6)}


async def test_without_its_database_a_service_says_unavailable_and_nothing_is_lost(
    stack: Stack, clients: Clients, examples: Examples, client_of: Of
) -> None:
    request_id = new_request_id()
    environ = stack.client_env("partner/example-1")
    async with Client(
        Endpoints.from_env(environ), Credentials.from_env(environ), deadline=3, retry_seconds=0
    ) as hasty:
        await clients.partner.applications.submit(_copy(examples))
        stack.postgres.stop()
        try:
            error = await _refused(
                hasty.applications.submit(_copy(examples), request_id=request_id)
            )
        finally:
            stack.postgres.start()

    assert error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    stored = await _patiently(
        lambda: clients.partner.applications.submit(_copy(examples), request_id=request_id)
    )
    reached = await _awaiting_signature(clients, _copy(examples))
    assert stored.application_id != reached.application_id


async def test_without_its_broker_a_submission_is_stored_and_decided_when_the_broker_is_back(
    stack: Stack, clients: Clients, examples: Examples
) -> None:
    stack.kafka.stop()
    try:
        application = await clients.partner.applications.submit(_copy(examples))
    finally:
        stack.kafka.start()

    async with asyncio.timeout(90):
        watch = clients.partner.applications.watch(application.application_id, give_up_after=90)
        async for change in watch:
            if change.state != model_pb2.APPLICATION_STATE_SCREENING:
                break
        await watch.aclose()
    assert change.state == model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE
