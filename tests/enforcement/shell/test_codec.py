"""The codecs: values survive a round trip, and unknown values of other releases do no harm."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as applications_model
from safeconduct.enforcement.v1 import errors_pb2, events_pb2, model_pb2, service_pb2
from safeconduct.gate import decode_standing
from safeconduct.standing import (
    AccessMode,
    AccessVerdict,
    Clause,
    EndUse,
    Grant,
    MeasureKind,
    Standing,
    StandingCause,
    StandingState,
)

from chassis.proto_mapping import to_timestamp
from chassis.streams.envelope import Undecodable
from services.enforcement.core import events as e
from services.enforcement.core import model
from services.enforcement.core.errors import Reason
from services.enforcement.shell import codec, request_codec, standing_codec
from tests.enforcement.core.builders import (
    APPLICATION,
    CASE,
    FIRST,
    FOURTH,
    LICENSE,
    NOW,
    SECOND,
    THIRD,
    agree_on_finding,
    agree_on_measure,
    agree_on_reinstatement,
    cleared,
    decide,
    fold,
    listed,
    new_id,
    propose_finding,
    propose_measure,
    propose_reinstatement,
    register,
    reject_finding,
    reject_measure,
    reject_reinstatement,
    report,
    revoked,
    suspended,
)

SUSPENSION, REVOCATION = MeasureKind.SUSPENSION, MeasureKind.REVOCATION
ESCALATION = new_id()
HISTORY = (
    register(),
    report(case_id=CASE),
    propose_finding(FIRST),
    reject_finding(SECOND),
    *agree_on_finding(),
    propose_measure(FIRST, REVOCATION),
    reject_measure(SECOND),
    *agree_on_measure(SUSPENSION),
    propose_measure(FIRST, REVOCATION, measure_id=ESCALATION),
    reject_measure(SECOND, measure_id=ESCALATION),
    propose_reinstatement(THIRD),
    reject_reinstatement(FOURTH),
    *agree_on_reinstatement(),
    listed(),
    cleared(),
)


def events_of_every_kind() -> list[e.Event]:
    """Events of every kind."""
    events: list[e.Event] = []
    conduct = None
    for command in HISTORY:
        decided = decide(conduct, command, NOW)
        assert isinstance(decided, tuple)
        conduct = fold(conduct, decided)
        events += decided
    revocation = e.LicenseRevoked(LICENSE, APPLICATION, CASE, CASE, 4)
    return [*events, revocation]


@pytest.mark.parametrize("kind", get_args(e.Event))
def test_every_event_survives_a_round_trip(kind: type) -> None:
    events = [event for event in events_of_every_kind() if isinstance(event, kind)]

    assert events
    for event in events:
        assert codec.decode_event(*codec.encode_event(event)) == event


@pytest.mark.parametrize(
    ("kind", "contract"),
    [
        (model.ReporterKind, model_pb2.ReporterKind),
        (model.Credibility, model_pb2.Credibility),
        (model.ViolationState, model_pb2.ViolationState),
        (model.Severity, model_pb2.Severity),
        (Reason, errors_pb2.ErrorReason),
    ],
)
def test_the_enums_of_the_core_have_the_names_of_the_contract(
    kind: type[StrEnum], contract: Any
) -> None:
    prefix = contract.Name(0).removesuffix("UNSPECIFIED")

    assert [member.value for member in kind] == [
        name.removeprefix(prefix) for name in contract.keys()[1:]
    ]


@pytest.mark.parametrize("verdict", AccessVerdict)
def test_every_verdict_has_its_number(verdict: AccessVerdict) -> None:
    number = codec.access_verdict(verdict)

    assert model_pb2.AccessVerdict.Name(number) == f"ACCESS_VERDICT_{verdict}"


def times() -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside


standings = st.builds(
    Standing,
    license_id=st.uuids().map(str),
    license_number=st.text(min_size=1),
    partner_id=st.text(),
    version=st.integers(1, 2**31 - 1),
    state=st.sampled_from(StandingState),
    requires=st.frozensets(st.text()),
    grants=st.frozensets(st.builds(Grant, st.text(), st.none() | st.sampled_from(AccessMode))),
    destinations=st.frozensets(st.text()),
    end_uses=st.frozensets(st.sampled_from(EndUse)),
    not_before=times(),
    not_after=times(),
    lease_seconds=st.integers(0, 60),
    cause=st.none()
    | st.just(StandingCause(None, None, is_list_match=True))
    | st.builds(
        StandingCause,
        st.sampled_from(MeasureKind),
        st.sampled_from(Clause),
        is_list_match=st.just(False),
    ),
    changed_at=st.none() | times(),
)


@given(standings)
def test_the_service_and_the_gate_read_the_same_standing(standing: Standing) -> None:
    message = standing_codec.to_message(standing)

    assert standing_codec.from_message(message) == standing
    assert decode_standing(message) == standing


@given(standings)
def test_a_gate_of_an_earlier_release_still_reads_the_texts(standing: Standing) -> None:
    message = standing_codec.to_message(standing)

    assert set(message.end_uses) == standing.end_uses
    assert message.reason == ("" if standing.cause is None else str(standing.cause))


def unreadable_standings() -> list[model_pb2.Standing]:
    messages = [standing_codec.to_message(revoked().known_standing) for _ in range(4)]
    messages[0].license_id = "none"
    messages[1].state = 9  # type: ignore[assignment]  # a state of a later release
    messages[2].ClearField("not_before")
    messages[3].not_after.seconds = 2**60
    return messages


@pytest.mark.parametrize("message", unreadable_standings())
def test_a_standing_that_may_hide_a_revocation_is_unreadable(message: model_pb2.Standing) -> None:
    payload = events_pb2.StandingChanged(standing=message).SerializeToString()

    with pytest.raises(ValueError):  # noqa: PT011 - any of several
        standing_codec.decode_standing_changed(payload)


def test_what_a_later_release_adds_to_a_standing_is_left_out() -> None:
    message = standing_codec.to_message(revoked().known_standing)
    message.granted_end_uses.append(99)  # type: ignore[arg-type]  # an end use of a later release
    message.cause.clause = 99  # type: ignore[assignment]  # same

    standing = standing_codec.from_message(message)

    assert (standing.end_uses, standing.cause) == ({EndUse.HEALTHCARE}, None)
    assert standing.state is StandingState.REVOKED


@pytest.mark.parametrize(
    ("number", "text", "end_use"),
    [
        (model_pb2.END_USE_HEALTHCARE, "", "HEALTHCARE"),
        (model_pb2.END_USE_UNSPECIFIED, "HEALTHCARE", "HEALTHCARE"),
        (model_pb2.END_USE_HEALTHCARE, "MILITARY", "HEALTHCARE"),
        (model_pb2.END_USE_UNSPECIFIED, "SOMETHING_LATER", "SOMETHING_LATER"),
    ],
)
def test_the_end_use_of_an_access_is_the_number_or_else_the_name(
    number: model_pb2.EndUse.ValueType, text: str, end_use: str
) -> None:
    request = service_pb2.CheckAccessRequest(
        license_id=str(LICENSE), requested_end_use=number, end_use=text
    )

    assert request_codec.access(request).end_use == end_use


def test_a_case_carries_the_version_of_its_license_as_etag() -> None:
    conduct = suspended()

    view = codec.violation(conduct.violations[0], conduct.version)

    assert view.etag == f"v{conduct.version}"
    assert [each.is_in_force for each in view.measures] == [True]


@pytest.mark.parametrize("count", [0, 1, 3, 400])
def test_standings_serialized_once_are_read_as_one_message(count: int) -> None:
    standing = revoked().known_standing
    _, part = standing_codec.decode_standing_changed(
        codec.encode_event(e.StandingChanged(standing))[1]
    )

    response = service_pb2.WatchStandingResponse.FromString(
        standing_codec.encode_changes([part] * count, "token", is_snapshot=True, has_more=False)
    )

    assert list(response.changes.standings) == [standing_codec.to_message(standing)] * count
    assert (
        response.changes.resume_token,
        response.changes.is_snapshot,
        response.changes.has_more,
    ) == (
        "token",
        True,
        False,
    )


def issued() -> applications.LicenseIssued:
    grant = applications.LicenseGrant(
        license_id=str(LICENSE),
        license_number="SC-2026-000001",
        decision_id=str(CASE),
        partner_id="example-1",
        items=[
            applications_model.Item(
                model_id="frontier-1", access_mode=applications_model.ACCESS_MODE_HOSTED_ACCESS
            ),
            applications_model.Item(
                model_id="frontier-1", access_mode=applications_model.ACCESS_MODE_TOOL
            ),
        ],
        destinations=["DE", "FR"],
        end_uses=[applications_model.END_USE_HEALTHCARE],
        not_before=to_timestamp(NOW),
        not_after=to_timestamp(NOW + timedelta(days=365)),
        lease_seconds=10,
    )
    return applications.LicenseIssued(application_id=str(APPLICATION), license=grant)


def test_an_issued_license_becomes_a_command() -> None:
    assert codec.license_issued(issued().SerializeToString()) == register()


def test_an_unknown_end_use_is_not_granted() -> None:
    newer = issued()
    newer.license.end_uses.append(99)  # type: ignore[arg-type]  # a value of a later contract

    assert codec.license_issued(newer.SerializeToString()).end_uses == {EndUse.HEALTHCARE}


def test_an_unknown_form_of_access_grants_nothing() -> None:
    newer = issued()
    newer.license.items[0].access_mode = 99  # type: ignore[assignment]  # a value of a later contract

    assert codec.license_issued(newer.SerializeToString()).grants == {
        Grant("frontier-1", None),
        Grant("frontier-1", AccessMode.TOOL),
    }


def spoilt() -> list[bytes]:
    messages = [issued() for _ in range(4)]
    messages[0].license.license_id = "none"
    messages[1].application_id = ""
    messages[2].license.ClearField("not_after")
    messages[3].license.not_before.seconds = 2**60
    return [b"\xff\xff", b"", *(message.SerializeToString() for message in messages)]


@pytest.mark.parametrize("payload", spoilt())
def test_what_cannot_be_a_license_is_undecodable(payload: bytes) -> None:
    with pytest.raises(Undecodable):
        codec.license_issued(payload)


def test_a_heartbeat_is_decoded_to_its_replica_and_number() -> None:
    record = standing_codec.encode_heartbeat("replica", 7, 3, NOW)

    assert standing_codec.decode_heartbeat(record) == ("replica", 7)


# Bytes of an earlier release stay in the journal and in the topic, and must be readable for ever.
EARLIER_RELEASE = {
    "LicenseRegistered": bytes.fromhex(
        "0a2431313131313131312d313131312d343131312d383131312d313131313131313131313131"
        "122432323232323232322d323232322d343232322d383232322d323232323232323232323232"
        "1a096578616d706c652d31"
    )
}


def test_bytes_of_an_earlier_release_are_read() -> None:
    event = codec.decode_event("LicenseRegistered", EARLIER_RELEASE["LicenseRegistered"])

    assert event == e.LicenseRegistered(LICENSE, APPLICATION, "example-1")


def test_fields_that_a_later_release_adds_are_skipped() -> None:
    newer = events_pb2.LicenseRegistered(
        license_id=str(LICENSE), application_id=str(UUID(int=1)), partner_id="x"
    )

    event = codec.decode_event("LicenseRegistered", newer.SerializeToString() + b"\xc2\x3e\x01z")

    assert isinstance(event, e.LicenseRegistered)
