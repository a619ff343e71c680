from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from safeconduct.applications.v1 import model_pb2, service_pb2
from safeconduct.enforcement.v1 import service_pb2 as enforcement
from safeconduct.screening.v1 import model_pb2 as screening

from chassis.rpc.errors import RpcError
from chassis.rpc.validation import Sentences, check, parse


def violations(message: Message, sentences: Sentences | None = None) -> dict[str, str]:
    with pytest.raises(RpcError) as refused:
        check(message, sentences)
    detail: Any = refused.value.details[0]
    return {each.field: each.description for each in detail.field_violations}


def test_no_violation_shows_a_regular_expression_or_a_list_of_numbers() -> None:
    party = model_pb2.Party(
        party_id="A B", roles=[0, 99], kind=9, country="Kenya", birth_date="x", sector=77
    )
    party.identifiers.add(country="x")
    details = model_pb2.ApplicationDetails(
        parties=[party], items=[model_pb2.Item()], destinations=["Kenya"], end_uses=[0]
    )

    found = violations(service_pb2.SubmitApplicationRequest(request_id="x", details=details))

    assert len(found) > 12
    assert not [text for text in found.values() if "regex" in text or "[" in text or "^" in text]


def test_an_unknown_enum_value_is_answered_with_the_names_there_are() -> None:
    details = model_pb2.ApplicationDetails(parties=[model_pb2.Party(kind=9)])

    found = violations(service_pb2.SubmitApplicationRequest(details=details))

    assert found["details.parties[0].kind"] == "must be one of PERSON, ORGANISATION, VESSEL"


def test_of_an_enum_that_is_restricted_here_only_the_allowed_names_are_given() -> None:
    request = service_pb2.ListCasesRequest(state=model_pb2.APPLICATION_STATE_APPROVED)

    (description,) = violations(request).values()

    assert "APPROVED" not in description
    assert "UNDER_REVIEW, INTENT_TO_DENY, PENDING_COUNTERSIGN" in description


@pytest.mark.parametrize(
    ("request_", "path", "description"),
    [
        (service_pb2.WithdrawApplicationRequest(), "request_id", "must be a UUID, for example "),
        (service_pb2.SubmitApplicationRequest(), "details", "is required"),
        (service_pb2.RecommendDecisionRequest(), "rationale", "must not be empty"),
        (
            service_pb2.RecommendDecisionRequest(rationale="short"),
            "rationale",
            "has 5 characters; the minimum is 10",
        ),
        (
            service_pb2.AcceptConductCodeRequest(signature=b"1"),
            "signature",
            "has 1 bytes; it must have 64",
        ),
        (
            service_pb2.WithdrawApplicationRequest(reason="x" * 1001),
            "reason",
            "has 1001 characters; the maximum is 1000",
        ),
    ],
)
def test_a_violation_is_a_plain_sentence(request_: Message, path: str, description: str) -> None:
    assert violations(request_)[path].startswith(description)


def test_the_message_names_the_first_field_and_counts_the_others() -> None:
    with pytest.raises(RpcError) as one:
        check(service_pb2.GetApplicationRequest(application_id="x"))
    with pytest.raises(RpcError) as several:
        check(service_pb2.WithdrawApplicationRequest())

    assert one.value.message == (
        "application_id: must be a UUID, for example 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"
    )
    assert several.value.message.startswith("request_id: must be a UUID, ")
    assert several.value.message.endswith(" (and 1 more fault)")
    assert several.value.metadata == {"violationCount": "2"}


def test_a_service_words_a_field_of_its_own() -> None:
    request = service_pb2.GetApplicationRequest(application_id="x")
    field = "safeconduct.applications.v1.GetApplicationRequest.application_id"

    found = violations(request, {field: lambda value: f"{value} is not the id of anything"})

    assert found == {"application_id": "x is not the id of anything"}


def test_a_field_is_answered_with_what_the_contract_says_that_it_expects() -> None:
    details = model_pb2.ApplicationDetails(destinations=["Kenya", "Kenya"])
    party = details.parties.add(party_id="A B")
    party.signing_authority.is_authorized = True

    found = violations(service_pb2.SubmitApplicationRequest(details=details))

    assert found["details.parties[0].party_id"] == (
        "must be 1 to 40 of a-z, 0-9 and hyphen, for example end-user"
    )
    assert found["details.parties[0].signing_authority.binds_party_id"] == (
        "must be the party id of the end user whom the signature binds"
    )
    assert found["details.destinations[1]"].startswith("must be an ISO 3166-1 alpha-2 country code")
    assert found["details.destinations"] == "contains an entry twice"


def test_a_rule_that_words_itself_under_the_id_of_a_standard_rule_keeps_its_sentence() -> None:
    found = violations(screening.PartyQuery(countries=["Germany"]))

    assert found["countries[0]"] == (
        "must be an ISO 3166-1 alpha-2 country code in capitals, for instance AT"
    )


def test_bytes_that_are_no_message_are_refused() -> None:
    with pytest.raises(RpcError) as refused:
        parse(b"\xff", service_pb2.GetApplicationRequest.FromString)

    assert refused.value.message == "the bytes are not a message of the method's request type"


def test_a_message_without_one_of_several_fields_names_them() -> None:
    with pytest.raises(RpcError) as caught:
        check(enforcement.WatchStandingRequest())

    assert caught.value.message == "message: one of these fields is required: subscribe, renew"
