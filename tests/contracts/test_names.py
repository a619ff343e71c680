"""Names, addresses and numbers are one visible line: they go into signed texts and to terminals."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.applications.v1 import model_pb2 as applications
from safeconduct.applications.v1 import service_pb2 as applications_service
from safeconduct.options.v1 import options_pb2
from safeconduct.screening.v1 import model_pb2 as screening
from safeconduct.screening.v1 import service_pb2 as screening_service

from chassis.rpc.errors import RpcError
from chassis.rpc.validation import ONE_LINE, SCREENED, check, parse
from tests.contracts.descriptors import SERVICE_FILES

WHOLE_TEXTS = {"safeconduct.applications.v1.EndUserStatement.text"}
"""Personal, but texts of several lines."""
SIGNED = {"safeconduct.applications.v1.RecommendDecisionRequest.conditions"}
"""Not personal, but part of a signed license."""
ONLY_SCREENED = {
    "safeconduct.screening.v1.PartyQuery.names",
    "safeconduct.screening.v1.PartyQuery.addresses",
}
FORGERIES = {
    "NUL": "Lf\0Corp",
    "ESC": "Lf\x1b[2JCorp",
    "line feed": "Lf\nCorp\nstate APPROVED",
    "carriage return": "Lf\rCorp",
    "delete": "Lf\x7fCorp",
    "control sequence introducer": "Lf\x9b2JCorp",
    "override": "Lf\u202eproC",
    "isolate": "Lf\u2066Corp\u2069",
}
INVISIBLE = {
    "zero-width space": "Lf\u200bCorp",
    "soft hyphen": "Lf\u00adCorp",
    "byte order mark": "\ufeffLf Corp",
    "direction mark": "Lf Corp\u200f",
    "line separator": "Lf\u2028Corp",
    "tag": "Lf\U000e0041Corp",
    "joiner without a letter": "\u200dLf Corp",
    "two joiners": "Lf\u200d\u200dCorp",
}


def texts(message: Any, seen: set[str]) -> Iterator[FieldDescriptor]:
    """The text fields of a message and of the messages in it, each once."""
    if message.full_name in seen or message.full_name.startswith("google."):
        return
    seen.add(message.full_name)
    for field in message.fields:
        if field.message_type is not None:
            yield from texts(field.message_type, seen)
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield field


def named_fields() -> list[FieldDescriptor]:
    """The text fields of all requests that hold personal data or go into signed texts."""
    seen: set[str] = set()
    return [
        field
        for file in SERVICE_FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        for field in texts(method.input_type, seen)
        if field.full_name in SIGNED or field.GetOptions().Extensions[options_pb2.personal]
    ]


def pattern_of(field: FieldDescriptor) -> str:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    pattern: str = (rules.repeated.items if field.is_repeated else rules).string.pattern
    return pattern


def test_every_name_address_and_number_of_a_request_has_a_rule_against_hidden_characters() -> None:
    found = {
        field.full_name: pattern_of(field)
        for field in named_fields()
        if field.full_name not in WHOLE_TEXTS
    }
    wanted = {name: SCREENED if name in ONLY_SCREENED else ONE_LINE for name in found}

    # A birth date has a pattern of its own, of digits and hyphens.
    assert found == {
        name: found[name] if name.endswith(".birth_date") else rule for name, rule in wanted.items()
    }
    assert wanted.keys() >= ONLY_SCREENED | SIGNED
    assert all(found.values())


def details(name: str) -> applications_service.SubmitApplicationRequest:
    party = applications.Party(name=name, aliases=["Example", name], address=name)
    party.identifiers.add(type=name, value=name)
    return applications_service.SubmitApplicationRequest(
        details=applications.ApplicationDetails(parties=[party])
    )


def faults(message: Any) -> dict[str, str]:
    """What the service answers to the bytes of a request, by field."""
    with pytest.raises(RpcError) as refused:
        parse(message.SerializeToString(), type(message).FromString)
    detail: Any = refused.value.details[0]
    return {each.field: each.description for each in detail.field_violations}


@pytest.mark.parametrize("name", (FORGERIES | INVISIBLE).values(), ids=[*FORGERIES, *INVISIBLE])
def test_an_application_with_a_hidden_character_in_a_name_or_address_is_refused(name: str) -> None:
    found = faults(details(name))

    for field in ("name", "aliases[1]", "address", "identifiers[0].type", "identifiers[0].value"):
        assert found[f"details.parties[0].{field}"] == (
            "must be one line without control, direction or other invisible characters"
        )


@pytest.mark.parametrize("text", FORGERIES.values(), ids=list(FORGERIES))
def test_a_condition_of_a_license_is_one_line(text: str) -> None:
    request = applications_service.RecommendDecisionRequest(conditions=[text])

    assert "must be one line" in faults(request)["conditions[0]"]


@pytest.mark.parametrize("name", FORGERIES.values(), ids=list(FORGERIES))
def test_a_party_to_be_screened_has_no_control_characters(name: str) -> None:
    party = screening.PartyQuery(names=[name], addresses=[name])
    found = faults(screening_service.ScreenPartyRequest(party=party))

    assert "must be one line" in found["party.names[0]"]
    assert "must be one line" in found["party.addresses[0]"]


@pytest.mark.parametrize("name", INVISIBLE.values(), ids=list(INVISIBLE))
def test_a_disguise_is_screened_and_not_refused(name: str) -> None:
    check(screening_service.ScreenPartyRequest(party=screening.PartyQuery(names=[name])))


@pytest.mark.parametrize(
    "name",
    [
        "Example Teaching Hospital", "محمود احمدی\u200cنژاد", "क्\u200dष", "株式会社 例",  # noqa: RUF001 - Persian letters
        "Søren O'Neill", "Huawei (华为) Россия", "e\u0301", "N° 7; a, b & c",
    ],
)  # fmt: skip
def test_names_in_the_spelling_of_any_script_are_accepted(name: str) -> None:
    assert not [field for field in faults(details(name)) if field.endswith("].name")]


@given(st.text(min_size=1, max_size=20))
def test_no_accepted_name_has_a_character_that_controls_a_terminal_or_a_line(name: str) -> None:
    is_accepted = "details.parties[0].name" not in faults(details(name))
    hidden = {
        char
        for char in name
        if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} and char not in "\u200c\u200d"
    }

    assert not (is_accepted and hidden)
