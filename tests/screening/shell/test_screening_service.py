"""Partners and officers read screenings, on the real database."""

from __future__ import annotations

from uuid import UUID, uuid4

import grpc
import pytest
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from services.screening.shell.screening_service import ScreeningServicer
from tests.chassis.callers import acting_as
from tests.screening.shell.replica import Replica
from tests.screening.shell.submissions import (
    LISTED,
    LISTED_ALIAS,
    LISTED_ENTRY,
    envelope,
    party,
    submitted,
)

OFFICER = Principal("officer", "licensing-1", None, frozenset({"LICENSING_OFFICER"}), 2)
PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
STRANGER = Principal("partner", "example-2", "example-2", frozenset({"PARTNER"}))


@pytest.fixture(scope="session")
def servicer(replica: Replica) -> ScreeningServicer:
    return replica.screening


@pytest.fixture(scope="session")
async def screened(replica: Replica) -> UUID:
    """An application of partner/example-1."""
    event = submitted(party("end-user", LISTED_ALIAS, country="BY"))
    with replica.telemetry.tracer.start_as_current_span("process"):
        await replica.handlers.applications(envelope(event.SerializeToString()))
    return UUID(event.application_id)


async def test_a_published_alias_is_an_exact_match_with_its_reasons(
    servicer: ScreeningServicer,
) -> None:
    asked = model_pb2.PartyQuery(
        names=[LISTED_ALIAS],
        kind=model_pb2.PARTY_KIND_ORGANISATION,
        countries=["BY"],
        birth_date="",
    )

    with acting_as(PARTNER):
        answer = await servicer.ScreenParty(service_pb2.ScreenPartyRequest(party=asked), None)

    best = answer.party.hits[0]
    assert answer.party.result == model_pb2.SCREENING_RESULT_POSSIBLE_MATCH
    assert (best.strength, best.entry_id, best.list_code) == (
        model_pb2.MATCH_STRENGTH_EXACT,
        LISTED_ENTRY,
        "EL",
    )
    assert {"NAME_EXACT", "COUNTRY"} <= {each.kind for each in best.evidence}
    assert all(each.detail and each.effect for each in best.evidence)
    assert answer.list_version
    assert answer.config_version
    assert 0 < answer.expected_alert_rate < 1


async def test_a_blank_name_is_undetermined(servicer: ScreeningServicer) -> None:
    request = service_pb2.ScreenPartyRequest(party=model_pb2.PartyQuery(names=[" "]))

    with acting_as(PARTNER):
        answer = await servicer.ScreenParty(request, None)

    assert answer.party.result == model_pb2.SCREENING_RESULT_UNDETERMINED
    assert answer.party.undetermined_reason == "NAME_MISSING"


async def test_an_officer_sees_the_screening_with_all_hits_and_its_trace(
    servicer: ScreeningServicer, screened: UUID
) -> None:
    with acting_as(OFFICER):
        answer = await servicer.GetScreening(
            service_pb2.GetScreeningRequest(application_id=str(screened)), None
        )

    shown = answer.screening
    assert shown.application_id == str(screened)
    assert {LISTED, LISTED_ALIAS} & {hit.matched_name for hit in shown.parties[0].hits}
    assert len(shown.trace_id) == 32


@pytest.mark.parametrize("principal", [OFFICER, PARTNER], ids=["officer", "its partner"])
async def test_the_timeline_is_shown_to_officers_and_to_its_partner(
    servicer: ScreeningServicer, screened: UUID, principal: Principal
) -> None:
    request = service_pb2.GetScreeningTimelineRequest(application_id=str(screened))
    with acting_as(principal):
        (entry,) = (await servicer.GetScreeningTimeline(request, None)).entries

    assert (entry.version, entry.event_type, entry.actor) == (
        1,
        "ScreeningCompleted",
        "service/applications",
    )
    assert len(entry.hash) == 32
    assert len(entry.trace_id) == 32


async def test_a_partner_gets_the_same_refusal_for_another_partners_application_and_for_none(
    servicer: ScreeningServicer, screened: UUID
) -> None:
    refusals = []
    for application_id in (screened, uuid4()):
        request = service_pb2.GetScreeningTimelineRequest(application_id=str(application_id))
        with acting_as(STRANGER), pytest.raises(RpcError) as refusal:
            await servicer.GetScreeningTimeline(request, None)
        refusals.append((refusal.value.code, refusal.value.reason, refusal.value.message))

    assert refusals[0] == refusals[1]
    assert refusals[0][:2] == (grpc.StatusCode.PERMISSION_DENIED, "NOT_VISIBLE")


async def test_an_officer_gets_not_found_even_under_the_id_of_a_list(
    servicer: ScreeningServicer, replica: Replica
) -> None:
    for application_id in (uuid4(), replica.lists.list_id):
        with acting_as(OFFICER), pytest.raises(RpcError) as refusal:
            await servicer.GetScreening(
                service_pb2.GetScreeningRequest(application_id=str(application_id)), None
            )

        assert (refusal.value.code, refusal.value.reason) == (
            grpc.StatusCode.NOT_FOUND,
            "NOT_FOUND",
        )
