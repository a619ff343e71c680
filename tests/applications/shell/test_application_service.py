"""A submission that the contract accepts makes an event that leaves the outbox."""

from __future__ import annotations

from uuid import uuid4

from safeconduct.applications.v1 import model_pb2, service_pb2

from chassis.rpc.validation import MAX_REQUEST_BYTES, check, check_size
from chassis.streams.record_size import MAX_PAYLOAD_BYTES
from services.applications.core.commands import Submit
from services.applications.core.decide import decide
from services.applications.shell import codec
from services.applications.shell.application_service import details_of
from tests.applications.builders import NOW, REFERENCE_DATA

Request = service_pb2.SubmitApplicationRequest


def _party(party_id: str, role: int, kind: int, **more: object) -> model_pb2.Party:
    return model_pb2.Party(
        party_id=party_id, roles=[role], kind=kind, name="A", country="DE", **more
    )


def _request(aliases: int) -> Request:
    """A valid request with this many of the longest aliases in the widest script."""
    organisation = model_pb2.PARTY_KIND_ORGANISATION
    details = model_pb2.ApplicationDetails(
        validity_days=90,
        monthly_million_tokens=10,
        destinations=["DE"],
        end_uses=[model_pb2.END_USE_HEALTHCARE],
        items=[
            model_pb2.Item(
                model_id="example-frontier-1", access_mode=model_pb2.ACCESS_MODE_HOSTED_ACCESS
            )
        ],
        declaration=model_pb2.Declaration(
            is_true_and_complete=True, declared_by_party_id="applicant"
        ),
        parties=[
            _party("applicant", model_pb2.PARTY_ROLE_APPLICANT, organisation),
            _party("end-user", model_pb2.PARTY_ROLE_END_USER, organisation),
            _party(
                "signer",
                model_pb2.PARTY_ROLE_SIGNATORY,
                model_pb2.PARTY_KIND_PERSON,
                signing_authority=model_pb2.SigningAuthority(
                    public_key=bytes(32), is_authorized=True, binds_party_id="end-user"
                ),
            ),
        ],
    )
    for number in range(47):
        party = _party(f"other-{number}", model_pb2.PARTY_ROLE_PURCHASER, organisation)
        party.aliases.extend(["\U0001f600" * 400] * min(20, max(0, aliases - 20 * number)))
        details.parties.append(party)
    return Request(request_id=str(uuid4()), details=details)


def test_the_largest_request_that_is_accepted_makes_an_event_that_is_small_enough() -> None:
    request = next(
        made
        for aliases in range(940, 0, -1)
        if (made := _request(aliases)).ByteSize() <= MAX_REQUEST_BYTES
    )
    raw = request.SerializeToString()
    check_size(raw, Request.FromString)
    check(request)

    command = Submit(uuid4(), "example-1", details_of(request.details), REFERENCE_DATA)
    decided = decide(None, command, NOW)

    assert isinstance(decided, tuple), decided
    sizes = [len(codec.encode_event(event)[1]) for event in decided]
    assert MAX_REQUEST_BYTES - 4000 < max(sizes) <= MAX_PAYLOAD_BYTES
