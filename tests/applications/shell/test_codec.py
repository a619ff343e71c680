from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import get_args

import protovalidate
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from safeconduct.applications.v1 import errors_pb2, events_pb2, model_pb2, policy_pb2

from chassis.proto_mapping import Converter
from chassis.rpc.authorization import access_table
from chassis.store.change_feed import Change, Cursor
from chassis.store.hash_chain import StoredEvent, event_id_of
from chassis.store.stream import UnknownEventError
from services.applications.core import application_details, model, screening_summary
from services.applications.core.application_details import (
    PartyKind,
    PartyRole,
    SigningAuthority,
)
from services.applications.core.commands import AcceptCode, Command
from services.applications.core.errors import Fault, Reason
from services.applications.core.events import Event
from services.applications.core.lifecycle import OFFICER_METHODS, PARTNER_METHODS
from services.applications.core.model import RuleEffect
from services.applications.core.policy_facts import PolicyFacts
from services.applications.shell import application_watch, codec
from services.applications.shell.license_documents import verify_signature
from tests.applications import builders as b

MODULES = (application_details, screening_summary, model)
KINDS = {
    value.__name__: value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == module.__name__
}
VALUES = [
    kind
    for kind in KINDS.values()
    if dataclasses.is_dataclass(kind) and kind is not model.Application
]
ENUMS = [kind for kind in KINDS.values() if issubclass(kind, StrEnum)]


@pytest.mark.parametrize("event", get_args(Event), ids=lambda event: event.__name__)
def test_an_event_of_the_core_has_the_names_and_fields_of_its_message(event: type) -> None:
    Converter(event, getattr(events_pb2, event.__name__))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_a_value_of_the_core_has_the_names_and_fields_of_its_message(value: type) -> None:
    Converter(value, getattr(model_pb2, value.__name__))


def test_a_timeline_shows_an_event_of_a_later_release_without_its_state() -> None:
    event_id = event_id_of(bytes(32))
    recorded = StoredEvent(
        b.APPLICATION_ID, 3, event_id, "ApplicationPaused", "officer/o", b.NOW, "PAUSED", b"", "",
        bytes(32), bytes(32),
    )  # fmt: skip

    entry = codec.timeline_entry(recorded)

    assert (entry.event_type, entry.state) == (
        "ApplicationPaused",
        model_pb2.APPLICATION_STATE_UNSPECIFIED,
    )


def test_a_watch_shows_an_event_of_a_later_release_without_its_state() -> None:
    change = Change(
        Cursor(1, 1), b.APPLICATION_ID, 3, "ApplicationPaused", "PAUSED", b.NOW, "", b.PARTNER
    )

    shown = application_watch._change(change)

    assert (shown.event_type, shown.state, shown.version) == (
        "ApplicationPaused",
        model_pb2.APPLICATION_STATE_UNSPECIFIED,
        3,
    )


@pytest.mark.parametrize("name", ["ApplicationPaused", "DESCRIPTOR", ""])
def test_an_event_that_this_release_does_not_know_is_no_defect_of_it(name: str) -> None:
    with pytest.raises(UnknownEventError):
        codec.decode_event(name, b"")


def test_the_facts_of_the_core_are_those_that_rules_may_read() -> None:
    Converter(PolicyFacts, policy_pb2.PolicyFacts)


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_an_enum_of_the_core_has_the_values_of_the_contract(enum: type[StrEnum]) -> None:
    values = model_pb2.DESCRIPTOR.enum_types_by_name[enum.__name__].values
    prefix = values[0].name.removesuffix("UNSPECIFIED")

    assert [member.value for member in enum] == [
        value.name.removeprefix(prefix) for value in values[1:]
    ]


@pytest.mark.parametrize(
    ("stake", "rule"),
    [
        (model_pb2.Ownership(owned_party_id="end-user", share_percent=100.5), "double.gte_lte"),
        (model_pb2.Ownership(owned_party_id="end-user", share_percent=-1), "double.gte_lte"),
        (
            model_pb2.Ownership(owned_party_id="end-user", share_percent=float("nan")),
            "double.gte_lte",
        ),
        (
            model_pb2.Ownership(
                owned_party_id="end-user",
                share_range=model_pb2.ShareRange(at_least_percent=60, at_most_percent=40),
            ),
            "share_range.order",
        ),
        (
            model_pb2.Ownership(
                owned_party_id="end-user",
                share_percent=50,
                share_range=model_pb2.ShareRange(at_most_percent=60),
            ),
            "ownership.one_share",
        ),
    ],
    ids=["above the whole", "below nothing", "no number", "bounds crossed", "stated twice"],
)
def test_an_impossible_share_is_refused(stake: model_pb2.Ownership, rule: str) -> None:
    assert [violation.proto.rule_id for violation in protovalidate.collect_violations(stake)] == [
        rule
    ]


def test_a_party_states_twenty_shares_at_most() -> None:
    stakes = [model_pb2.Ownership(owned_party_id=f"party-{number}") for number in range(21)]
    owner = codec.DETAILS.to_proto(b.details()).parties[0]
    owner.owns.extend(stakes)

    (violation,) = protovalidate.collect_violations(owner)

    assert (violation.proto.rule_id, violation.proto.field.elements[0].field_name) == (
        "repeated.max_items",
        "owns",
    )


def test_reasons_are_those_of_the_contract() -> None:
    names = [name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()]  # noqa: SIM118 - no mapping

    assert [reason.value for reason in Reason] == [
        name for name in names if name in Reason.__members__
    ]
    assert set(names) - {"UNSPECIFIED"} == set(Reason.__members__)
    assert Fault.SHARES_EXCEED_WHOLE not in names


def test_an_application_is_encoded_and_decoded_without_loss() -> None:
    converter: Converter[application_details.ApplicationDetails, model_pb2.ApplicationDetails] = (
        Converter(application_details.ApplicationDetails, model_pb2.ApplicationDetails)
    )

    assert converter.from_proto(converter.to_proto(b.details())) == b.details()


@pytest.mark.parametrize(
    ("methods", "roles"),
    [
        (PARTNER_METHODS, {"PARTNER"}),
        (OFFICER_METHODS, {"LICENSING_OFFICER", "COUNTERSIGNER"}),
    ],
)
def test_the_commands_that_a_caller_is_offered_are_those_that_its_role_may_call(
    methods: Mapping[type[Command], str], roles: set[str]
) -> None:
    access = access_table(
        [f"safeconduct.applications.v1.{name}" for name in ("ApplicationService", "ReviewService")]
    )
    by_name = {path.rpartition("/")[2]: allowed for path, allowed in access.items()}

    assert {role for name in methods.values() for role in by_name[name].roles} == roles


def test_a_partner_and_an_officer_see_their_own_commands_only() -> None:
    pending = b.application_in(model.ApplicationState.PENDING_COUNTERSIGN)

    assert list(codec.application(pending, {}).allowed_commands) == ["WithdrawApplication"]
    assert list(codec.case(pending, {}).application.allowed_commands) == [
        "CountersignDecision",
        "RejectRecommendation",
    ]


def test_an_explanation_holds_the_facts_that_were_stored_with_the_outcome() -> None:
    referred = b.after(b.submitted(), b.conclude(RuleEffect.REFER))

    shown = codec.explanation(referred, {})

    assert Converter(PolicyFacts, policy_pb2.PolicyFacts).from_proto(shown.facts) == b.basis().facts
    assert shown.basis.policy_digest == b.POLICY.text.digest
    assert shown.basis.reference_data_digest == b.REFERENCE_DATA.digest
    assert not shown.basis.HasField("facts")


def test_an_explanation_has_no_facts_if_an_earlier_release_kept_none() -> None:
    referred = b.after(b.submitted(), b.conclude(RuleEffect.REFER))

    shown = codec.explanation(dataclasses.replace(referred, basis=None), {})

    assert shown.case.HasField("policy")
    assert not shown.HasField("facts")
    assert not shown.HasField("basis")


SECOND = b.party(
    "second",
    PartyRole.SIGNATORY,
    kind=PartyKind.PERSON,
    sector=None,
    signing_authority=SigningAuthority(
        b.OTHER_KEY.public_key().public_bytes_raw(), True, "end-user"
    ),
)
CODES = {b.TERMS.code_digest: "the text that was approved", b"\x02" * 32: "a later text"}


@pytest.mark.parametrize(("party_id", "key"), [("signatory", b.KEY), ("second", b.OTHER_KEY)])
def test_each_signatory_is_shown_the_text_that_it_signs(
    party_id: str, key: Ed25519PrivateKey
) -> None:
    waiting = b.awaiting_signature(b.with_parties(SECOND))
    shown = codec.application(waiting, CODES)
    texts = {each.party_id: each.acceptance_text for each in shown.signatory_texts}

    accepted = AcceptCode(
        b.LICENSE_ID,
        shown.code_of_conduct.version,
        party_id,
        key.sign(texts[party_id]),
        verify_signature,
    )

    assert sorted(texts) == ["second", "signatory"]
    assert b.after(waiting, accepted).license is not None


def test_the_text_that_is_shown_is_the_one_that_the_approval_names() -> None:
    waiting = b.awaiting_signature()

    shown = codec.application(waiting, CODES)

    code = shown.code_of_conduct
    assert (code.version, code.text) == (b.TERMS.code_version, "the text that was approved")
    assert code.digest == b.TERMS.code_digest
    (text,) = (each.acceptance_text for each in shown.signatory_texts)
    assert f"code-sha256: {code.digest.hex()}\n".encode() in text
    assert shown.acceptance_text == text


def test_a_text_that_was_never_kept_is_named_by_version_and_digest_only() -> None:
    code = codec.application(b.awaiting_signature(), {}).code_of_conduct

    assert (code.version, code.digest, code.text) == (
        b.TERMS.code_version,
        b.TERMS.code_digest,
        "",
    )


def test_nothing_is_shown_to_sign_in_any_other_state() -> None:
    for state in model.ApplicationState:
        shown = codec.application(b.application_in(state), CODES)

        is_waiting = state is model.ApplicationState.AWAITING_SIGNATURE
        assert bool(shown.signatory_texts) == shown.HasField("code_of_conduct") == is_waiting
