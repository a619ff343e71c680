"""Officers list hits and judge them, on the real database."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.errors import RpcError
from tests.chassis.callers import acting_as
from tests.screening.shell.replica import (
    OFFICERS,
    WHY,
    Replica,
    confirmed,
    judged,
    kept,
    names_of,
    screened,
)
from tests.screening.shell.submissions import (
    LISTED_ALIAS,
)


async def test_hits_are_listed_newest_first_in_pages_and_by_application_and_state(
    own_replica: Replica,
) -> None:
    applications = [await screened(own_replica, LISTED_ALIAS) for _ in range(3)]
    with acting_as(OFFICERS[0]):
        page = await own_replica.hits.ListHits(service_pb2.ListHitsRequest(page_size=2), None)
        rest = await own_replica.hits.ListHits(
            service_pb2.ListHitsRequest(page_size=2, page_token=page.next_page_token), None
        )
        own = await own_replica.hits.ListHits(
            service_pb2.ListHitsRequest(application_id=str(applications[0])), None
        )
        none = await own_replica.hits.ListHits(
            service_pb2.ListHitsRequest(state=model_pb2.HIT_STATE_CONFIRMED), None
        )
        summaries = await own_replica.hits.ListHits(
            service_pb2.ListHitsRequest(
                filter=service_pb2.HitFilter(application_id=str(applications[0]))
            ),
            None,
        )
        one = await own_replica.hits.GetHit(
            service_pb2.GetHitRequest(hit_id=own.hits[0].hit_id), None
        )

    listed = [hit.application_id for hit in (*page.hits, *rest.hits)]
    assert (
        listed[: len(applications)] == [str(each) for each in reversed(applications)][: len(listed)]
    )
    assert {hit.application_id for hit in own.hits} == {str(applications[0])}
    assert (len(none.hits), one.hit) == (0, own.hits[0])
    assert own.hits[0].hit.evidence
    assert [each.hit_id for each in summaries.summaries] == [each.hit_id for each in own.hits]
    assert summaries.total_size == len(own.hits)


async def test_an_exact_hit_is_cleared_by_the_second_officer_who_confirms_the_proposal(
    own_replica: Replica,
) -> None:
    application_id = await screened(own_replica, LISTED_ALIAS, country="BY")
    application = await kept(own_replica, application_id)

    proposed = await judged(
        own_replica, application.hits[0].hit_id, application.version, OFFICERS[0]
    )
    with pytest.raises(RpcError) as alone:
        await confirmed(own_replica, application_id, OFFICERS[0], proposed)
    with pytest.raises(RpcError) as unknown:
        await confirmed(
            own_replica,
            application_id,
            OFFICERS[1],
            model_pb2.HitCase(hit_id=proposed.hit_id, clearing_id=str(uuid4())),
        )
    cleared_case = await confirmed(own_replica, application_id, OFFICERS[1], proposed)

    assert proposed.state == model_pb2.HIT_STATE_CLEARING_PROPOSED
    assert (alone.value.reason, unknown.value.reason) == ("SELF_CONFIRMATION", "NOT_FOUND")
    assert cleared_case.state == model_pb2.HIT_STATE_FALSE_POSITIVE
    assert cleared_case.clearing_id == ""


async def test_a_rejected_proposal_opens_the_hit_again(own_replica: Replica) -> None:
    application_id = await screened(own_replica, LISTED_ALIAS, country="BY")
    application = await kept(own_replica, application_id)
    proposed = await judged(
        own_replica, application.hits[0].hit_id, application.version, OFFICERS[0]
    )
    request = service_pb2.RejectClearingRequest(
        request_id=str(uuid4()),
        hit_id=proposed.hit_id,
        clearing_id=proposed.clearing_id,
        rationale=WHY,
        etag=proposed.etag,
    )

    with acting_as(OFFICERS[1]):
        rejected = (await own_replica.hits.RejectClearing(request, None)).hit

    assert rejected.state == model_pb2.HIT_STATE_OPEN
    assert (await names_of(own_replica, application_id))[-1] == "HitClearingRejected"
    history = await own_replica.journal.history(application_id)
    assert own_replica.journal.rebuild(history) == await kept(own_replica, application_id)


async def test_an_officer_of_the_partner_neither_reads_nor_judges_its_hits(
    own_replica: Replica,
) -> None:
    application_id = await screened(own_replica, LISTED_ALIAS)
    application = await kept(own_replica, application_id)
    hit_id = application.hits[0].hit_id
    affiliated = replace(OFFICERS[0], partner_id=application.partner_id)

    with pytest.raises(RpcError) as judging:
        await judged(own_replica, hit_id, application.version, affiliated)
    with acting_as(affiliated):
        listed = await own_replica.hits.ListHits(
            service_pb2.ListHitsRequest(filter=service_pb2.HitFilter()), None
        )
        with pytest.raises(RpcError) as reading:
            await own_replica.hits.GetHit(service_pb2.GetHitRequest(hit_id=str(hit_id)), None)
        with pytest.raises(RpcError) as screening:
            await own_replica.screening.GetScreening(
                service_pb2.GetScreeningRequest(application_id=str(application_id)), None
            )

    assert (list(listed.summaries), listed.total_size) == ([], 0)
    reasons = {each.value.reason for each in (judging, reading, screening)}
    assert reasons == {"CONFLICT_OF_INTEREST"}


async def test_a_verdict_on_what_somebody_changed_meanwhile_is_refused(
    own_replica: Replica,
) -> None:
    application = await kept(own_replica, await screened(own_replica, LISTED_ALIAS))
    await judged(own_replica, application.hits[0].hit_id, application.version, OFFICERS[0])

    with pytest.raises(RpcError) as refused:
        await judged(own_replica, application.hits[0].hit_id, application.version, OFFICERS[1])

    assert refused.value.reason == "STALE_ETAG"
