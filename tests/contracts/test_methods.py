"""Every method has roles and messages of its own; every mutation has an idempotency key."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from buf.validate import validate_pb2
from safeconduct.options.v1 import options_pb2

from tests.contracts.descriptors import Method, methods

READS = frozenset({"Get", "List", "Watch", "Check", "Explain", "Screen"})
METHODS = methods()
MUTATIONS = [method for method in METHODS if method.verb not in READS]


def name_of(method: Method) -> str:
    return method.name.removeprefix("safeconduct.")


def rules(field: Any) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_method_names_the_roles_that_may_call_it(method: Method) -> None:
    assert method.access is not None
    assert method.access.roles
    assert options_pb2.ROLE_UNSPECIFIED not in method.access.roles


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_method_has_a_request_and_a_response_of_its_own_name(method: Method) -> None:
    short = method.name.rpartition(".")[2]

    assert (method.request.name, method.response.name) == (f"{short}Request", f"{short}Response")


def test_no_message_serves_two_methods() -> None:
    used = Counter(
        message.full_name for method in METHODS for message in (method.request, method.response)
    )

    assert set(used.values()) == {1}


@pytest.mark.parametrize("method", MUTATIONS, ids=name_of)
def test_a_mutation_has_a_request_id_that_must_be_a_uuid(method: Method) -> None:
    assert rules(method.request.fields_by_name["request_id"]).string.uuid


@pytest.mark.parametrize("method", MUTATIONS, ids=name_of)
def test_a_mutation_has_a_dry_run(method: Method) -> None:
    field = method.request.fields_by_name["validate_only"]

    assert field.type == field.TYPE_BOOL


@pytest.mark.parametrize("method", [m for m in METHODS if m.verb in READS], ids=name_of)
def test_a_read_has_no_request_id(method: Method) -> None:
    assert not {"request_id", "validate_only"} & set(method.request.fields_by_name)


@pytest.mark.parametrize("method", [m for m in METHODS if m.verb == "List"], ids=name_of)
def test_a_list_is_read_in_pages(method: Method) -> None:
    assert {"page_size", "page_token"} <= set(method.request.fields_by_name)
    assert "next_page_token" in method.response.fields_by_name


ANSWERS = [
    method
    for method in METHODS
    if method.verb in {"Confirm", "Reject"} and ".enforcement." in method.name
]


@pytest.mark.parametrize("method", ANSWERS, ids=name_of)
def test_an_answer_to_a_proposal_names_the_proposal_and_the_version_that_were_read(
    method: Method,
) -> None:
    proposal = method.name.rpartition(".")[2].removeprefix(method.verb).lower()

    assert rules(method.request.fields_by_name[f"{proposal}_id"]).string.uuid
    assert rules(method.request.fields_by_name["etag"]).string.min_len == 1
