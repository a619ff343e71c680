"""Lists in motion on the real database: imported, activated under load, compared by the change, judged."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from chassis.rpc.page_tokens import PageTokens
from chassis.store.stream import etag_of
from services.screening.core.config import DEFAULT
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lifecycle import ScreenedState
from services.screening.core.lists.parsed_list import decoded
from services.screening.core.records import ScreeningResult
from services.screening.shell.active_lists import Source
from services.screening.shell.adjudication_service import AdjudicationServicer
from services.screening.shell.event_handlers import EventHandlers
from services.screening.shell.list_service import ListServicer
from services.screening.shell.rescreening import Rescreening
from tests.chassis.callers import acting_as
from tests.screening.core.hits import RULES
from tests.screening.shell.conftest import NewReplica, Replica
from tests.screening.shell.submissions import (
    LISTED,
    LISTED_ALIAS,
    UNLISTED,
    envelope,
    party,
    submitted,
)

LISTER = Principal("officer", "lists-1", None, frozenset({"LIST_OFFICER"}), 1)
OFFICERS = tuple(
    Principal("officer", f"licensing-{n}", None, frozenset({"LICENSING_OFFICER"}), 3)
    for n in (1, 2)
)
CODE = "US-CSL"
WHY = "another institute in another country"


@dataclass(frozen=True, slots=True)
class Office:
    """A replica with everything that list officers and licensing officers use."""

    replica: Replica
    counter: ListServicer
    hits: AdjudicationServicer
    hearing: EventHandlers
    rescreening: Rescreening


@pytest.fixture
async def office(own_pool: asyncpg.Pool, new_replica: NewReplica) -> Office:
    replica = new_replica(own_pool)
    await replica.lists.refresh()
    return _office(replica, own_pool)


def _office(replica: Replica, pool: asyncpg.Pool) -> Office:
    rescreening = Rescreening(
        replica.screenings, pool, replica.desk, replica.lists, DEFAULT, RULES, replica.telemetry
    )
    return Office(
        replica,
        ListServicer(replica.registers, replica.lists, replica.desk, rescreening),
        AdjudicationServicer(replica.screenings, PageTokens([b"k" * 32]), RULES),
        EventHandlers(replica.screenings, replica.desk, RULES),
        rescreening,
    )


def newer(source: Source, *names: str, without: str = "") -> bytes:
    """The list with an entry more for each name, and without the entries that hold a text."""
    published = csv.reader(io.StringIO(decoded(source.content), newline=""))
    rows = [row for row in published if not without or without not in row]
    columns = rows[0]
    for number, name in enumerate(names):
        added = dict.fromkeys(columns, "") | {
            "_id": f"new-{number}",
            "source": "Entity List (EL) - Bureau of Industry and Security",
            "name": name,
        }
        rows.append([added[column] for column in columns])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


async def messages(content: bytes, **first: object) -> AsyncIterator[service_pb2.ImportListRequest]:
    request_id = str(first.pop("request_id", uuid4()))
    head = {
        "list_code": CODE,
        "format": model_pb2.LIST_FORMAT_CSL_CSV,
        "publication": "2026-11",
    } | first
    yield service_pb2.ImportListRequest(request_id=request_id, **head)  # type: ignore[arg-type]  # by name
    for start in range(0, len(content), 100_000):
        yield service_pb2.ImportListRequest(
            request_id=request_id, content=content[start : start + 100_000]
        )


async def imported(
    office: Office, content: bytes, **first: object
) -> service_pb2.ImportListResponse:
    with acting_as(LISTER):
        return await office.counter.ImportList(messages(content, **first), None)


async def activated(office: Office, version: str) -> None:
    request = service_pb2.ActivateListRequest(
        request_id=str(uuid4()), list_code=CODE, list_version=version
    )
    with acting_as(LISTER):
        await office.counter.ActivateList(request, None)
    await office.replica.lists.refresh()


async def screened(office: Office, *names: str, country: str = "AT") -> UUID:
    told = submitted(
        *(party(f"party-{number}", name, country=country) for number, name in enumerate(names))
    )
    await office.hearing.applications(envelope(told.SerializeToString()))
    return UUID(told.application_id)


async def kept(office: Office, application_id: UUID) -> ScreenedApplication:
    current = await office.replica.screenings.read(application_id)
    assert current is not None
    return current.state


async def names_of(office: Office, application_id: UUID) -> Sequence[str]:
    return [event.name for event in await office.replica.screenings.history(application_id)]


async def judged(
    office: Office, hit_id: UUID, version: int, officer: Principal, verdict: int = 1
) -> model_pb2.HitCase:
    request = service_pb2.AdjudicateHitRequest(
        request_id=str(uuid4()),
        hit_id=str(hit_id),
        verdict=verdict,
        rationale=WHY,
        etag=etag_of(version),
    )
    with acting_as(officer):
        return (await office.hits.AdjudicateHit(request, None)).hit


async def confirmed(
    office: Office, application_id: UUID, officer: Principal, proposed: model_pb2.HitCase
) -> model_pb2.HitCase:
    """The officer confirms a proposal to clear a hit of the application."""
    request = service_pb2.ConfirmClearingRequest(
        request_id=str(uuid4()),
        hit_id=proposed.hit_id,
        clearing_id=proposed.clearing_id,
        rationale=WHY,
        etag=etag_of((await kept(office, application_id)).version),
    )
    with acting_as(officer):
        return (await office.hits.ConfirmClearing(request, None)).hit


# Import


async def test_an_import_says_what_it_changes_and_changes_nothing_by_itself(
    office: Office, source: Source
) -> None:
    answer = await imported(office, newer(source, "Example Added Works", without=LISTED))

    assert (answer.delta.added, answer.delta.removed) == (1, 1)
    assert answer.version.list_version.startswith("US-CSL/2026-11/")
    with acting_as(LISTER):
        status = await office.counter.GetListStatus(service_pb2.GetListStatusRequest(), None)
    (found,) = status.lists
    assert (len(found.versions), found.active_version) == (2, found.versions[0].list_version)
    assert (status.is_current, status.waiting_applications) == (True, 0)


async def test_the_same_import_sent_again_in_other_pieces_is_answered_as_the_first(
    office: Office, source: Source
) -> None:
    content, request_id = newer(source, "Example Added Works"), uuid4()

    first = await imported(office, content, request_id=request_id)

    assert await imported(office, content, request_id=request_id) == first
    with pytest.raises(RpcError) as refused:
        await imported(office, newer(source, "Another"), request_id=request_id)
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_a_tried_import_keeps_nothing(office: Office, source: Source) -> None:
    answer = await imported(office, newer(source, "Example Added Works"), validate_only=True)

    rows = await office.replica.registers.fetch("select count(*) from list_source")
    assert (answer.delta.added, rows[0]["count"]) == (1, 1)


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        (lambda content: content[: len(content) // 2], "LIST_TRUNCATED"),
        (lambda _: b"", "LIST_EMPTY"),
        (lambda content: content.replace(b"alt_names", b"other", 1), "LIST_MALFORMED"),
        (lambda content: b"".join(content.splitlines(keepends=True)[:1_002]), "ok"),
    ],
    ids=["cut", "empty", "another layout", "whole"],
)
async def test_a_list_that_is_not_whole_is_refused_and_the_old_one_stays(
    office: Office, source: Source, cut: object, reason: str
) -> None:
    content = cut(newer(source))  # type: ignore[operator]  # parametrized
    if reason == "ok":
        assert (await imported(office, content)).version.entry_count >= 1_000
        return

    with pytest.raises(RpcError) as refused:
        await imported(office, content)

    assert refused.value.reason == reason
    (version,) = await office.replica.lists.active()
    assert version.list_version.startswith("US-CSL/2025-02/")


async def test_half_a_list_that_looks_whole_is_refused_as_implausible(office: Office) -> None:
    simple = (
        b'"id","schema","name","aliases","birth_date","countries","addresses","identifiers"\n'
        + b"".join(
            b'"x-%d","Company","Example Works %d","","","","",""\n' % (n, n) for n in range(10)
        )
    )
    many = {"list_code": "EX-OWN", "format": model_pb2.LIST_FORMAT_TARGETS_SIMPLE_CSV}
    first = await imported(office, simple, **many)
    request = service_pb2.ActivateListRequest(
        request_id=str(uuid4()), list_code="EX-OWN", list_version=first.version.list_version
    )
    with acting_as(LISTER):
        await office.counter.ActivateList(request, None)

    with pytest.raises(RpcError) as refused:
        await imported(office, b"".join(simple.splitlines(keepends=True)[:8]), **many)

    assert refused.value.reason == "LIST_IMPLAUSIBLE"
    assert refused.value.metadata["activeEntries"] == "10"


@pytest.mark.parametrize("first", [{"list_code": ""}, {"format": 0}, {"publication": ""}])
async def test_an_import_that_does_not_say_what_it_is_is_refused(
    office: Office, first: dict[str, object]
) -> None:
    with pytest.raises(RpcError) as refused:
        await imported(office, b"", **first)

    assert refused.value.reason == "IMPORT_UNCLEAR"


async def test_a_list_that_is_too_large_is_refused_before_it_is_read(office: Office) -> None:
    small = ListServicer(
        office.replica.registers,
        office.replica.lists,
        office.replica.desk,
        office.rescreening,
        most_bytes=10,
    )
    with acting_as(LISTER), pytest.raises(RpcError) as refused:
        await small.ImportList(messages(b"x" * 11), None)

    assert refused.value.reason == "LIST_TOO_LARGE"


# Activation


async def test_two_lists_are_screened_against_together_and_both_are_named(office: Office) -> None:
    simple = (
        b'"id","schema","name","aliases","birth_date","countries","addresses","identifiers"\n'
        b'"x-1","Company","Zzyzx Quarrying Cooperative","","","","",""\n'
    )
    answer = await imported(
        office, simple, list_code="EX-OWN", format=model_pb2.LIST_FORMAT_TARGETS_SIMPLE_CSV
    )
    request = service_pb2.ActivateListRequest(
        request_id=str(uuid4()), list_code="EX-OWN", list_version=answer.version.list_version
    )
    with acting_as(LISTER):
        await office.counter.ActivateList(request, None)
    await office.replica.lists.refresh()

    application = await kept(
        office, await screened(office, "Zzyzx Quarrying Cooperative", LISTED_ALIAS)
    )

    assert [each.hits[0].list_code for each in application.latest.parties] == ["EX-OWN", "EL"]
    assert [part.partition("/")[0] for part in application.latest.list_version.split(" + ")] == [
        "EX-OWN",
        "US-CSL",
    ]


async def test_no_screening_is_missed_or_mixed_while_a_version_is_activated(
    office: Office, source: Source
) -> None:
    answer = await imported(office, newer(source, "Example Added Works"))
    before = office.replica.desk.generation
    assert before is not None
    done: list[UUID] = []
    is_over = False

    async def load() -> None:
        while not is_over:
            done.append(await screened(office, UNLISTED, "Example Added Works"))

    loading = [asyncio.ensure_future(load()) for _ in range(3)]
    while len(done) < 5:  # noqa: ASYNC110 - the load tells of itself
        await asyncio.sleep(0.01)
    await activated(office, answer.version.list_version)
    so_far = len(done)
    while len(done) < so_far + 5:  # noqa: ASYNC110 - same
        await asyncio.sleep(0.01)
    is_over = True
    await asyncio.gather(*loading)

    results = {}
    for application_id in done:
        latest = (await kept(office, application_id)).latest
        results[application_id] = latest.list_version, latest.parties[1].result
    assert set(results.values()) == {
        (before.list_version_id, ScreeningResult.CLEAR),
        (answer.version.list_version, ScreeningResult.POSSIBLE_MATCH),
    }
    # Whoever was screened against the past, at whatever moment, is found and compared with what has changed.
    await office.rescreening.sweep()
    assert [(await kept(office, each)).latest.parties[1].result for each in done] == [
        ScreeningResult.POSSIBLE_MATCH
    ] * len(done)
    assert await office.rescreening.waiting() == 0


# Re-screening


async def test_a_new_match_is_told_of_open_and_of_licensed_applications_and_of_no_others(
    office: Office, source: Source
) -> None:
    name = "Example Listed Institute"
    untouched, listed, licensed, over = [
        await screened(office, each) for each in (UNLISTED, name, name, name)
    ]
    license_id = uuid4()
    issued = applications_pb2.LicenseIssued(application_id=str(licensed))
    issued.license.license_id = str(license_id)
    await office.hearing.applications(envelope(issued.SerializeToString(), "LicenseIssued"))
    withdrawn = applications_pb2.ApplicationWithdrawn(application_id=str(over))
    await office.hearing.applications(
        envelope(withdrawn.SerializeToString(), "ApplicationWithdrawn")
    )
    answer = await imported(office, newer(source, name))

    await activated(office, answer.version.list_version)
    assert await office.rescreening.waiting() == 3
    await office.rescreening.sweep()
    await office.rescreening.sweep()

    assert await names_of(office, untouched) == ["ScreeningCompleted"]
    assert await names_of(office, listed) == [
        "ScreeningCompleted",
        "ScreeningCompleted",
        "PartyListed",
    ]
    assert (await names_of(office, licensed))[-2:] == ["ScreeningCompleted", "PartyListed"]
    assert await names_of(office, over) == ["ScreeningCompleted", "MonitoringEnded"]
    (told,) = (await kept(office, licensed)).listed
    assert (told.license_id, told.entry_ids) == (license_id, ("EL-new-0",))
    for application_id in (untouched, listed, licensed, over):
        history = await office.replica.screenings.history(application_id)
        assert office.replica.screenings.rebuild(history) == await kept(office, application_id)


async def test_two_replicas_tell_once(
    office: Office, own_pool: asyncpg.Pool, new_replica: NewReplica, source: Source
) -> None:
    other = _office(new_replica(own_pool), own_pool)
    name = "Example Listed Institute"
    applications = [await screened(office, name) for _ in range(5)]
    answer = await imported(office, newer(source, name))
    await activated(office, answer.version.list_version)
    await other.replica.lists.refresh()

    await asyncio.gather(office.rescreening.sweep(), other.rescreening.sweep())
    await asyncio.gather(office.rescreening.sweep(), other.rescreening.sweep())

    for application_id in applications:
        assert (await names_of(office, application_id)).count("PartyListed") == 1


async def test_a_replica_that_is_behind_compares_nothing(
    office: Office, own_pool: asyncpg.Pool, new_replica: NewReplica, source: Source
) -> None:
    behind = _office(new_replica(own_pool), own_pool)
    await behind.replica.lists.refresh()
    application_id = await screened(office, "Example Listed Institute")
    answer = await imported(office, newer(source, "Example Listed Institute"))
    await activated(office, answer.version.list_version)

    await behind.rescreening.sweep()

    assert await names_of(office, application_id) == ["ScreeningCompleted"]
    assert await office.rescreening.waiting() == 1


async def test_a_revoked_license_is_let_go(office: Office) -> None:
    application_id = await screened(office, UNLISTED)
    revoked = enforcement_pb2.LicenseRevoked(
        application_id=str(application_id), license_id=str(uuid4())
    )

    await office.hearing.enforcement(envelope(revoked.SerializeToString(), "LicenseRevoked"))

    assert (await kept(office, application_id)).state is ScreenedState.CLOSED


# Hits


async def cleared(office: Office, application_id: UUID) -> None:
    """One officer clears every hit; of an EXACT one, a second officer confirms the clearing."""
    for hit in (await kept(office, application_id)).hits:
        application = await kept(office, application_id)
        case = await judged(office, hit.hit_id, application.version, OFFICERS[0])
        if case.clearing_id:
            case = await confirmed(office, application_id, OFFICERS[1], case)
        assert case.state == model_pb2.HIT_STATE_FALSE_POSITIVE


async def test_a_hit_that_was_found_false_is_known_again_until_the_party_changes(
    office: Office,
) -> None:
    first = await screened(office, LISTED_ALIAS, country="BY")
    assert (await kept(office, first)).hits[0].hit.strength == "EXACT"
    await cleared(office, first)

    again = await kept(office, await screened(office, LISTED_ALIAS, country="BY"))
    moved = await kept(office, await screened(office, LISTED_ALIAS, country="AT"))

    assert again.latest.parties[0].result is ScreeningResult.FALSE_POSITIVE
    assert moved.latest.parties[0].result is ScreeningResult.POSSIBLE_MATCH


async def test_a_changed_entry_asks_again(office: Office, source: Source) -> None:
    name = "Example Listed Institute"
    answer = await imported(office, newer(source, name))
    await activated(office, answer.version.list_version)
    application_id = await screened(office, name)
    await cleared(office, application_id)
    changed = newer(source, name).replace(
        b"Example Listed Institute,", b"Example Listed Institute,Director", 1
    )
    answer = await imported(office, changed)
    assert (answer.delta.added, answer.delta.changed, answer.delta.removed) == (0, 1, 0)

    await activated(office, answer.version.list_version)
    await office.rescreening.sweep()

    assert (await names_of(office, application_id))[-2:] == ["ScreeningCompleted", "PartyListed"]


async def test_a_verdict_reaches_the_same_pair_in_other_open_applications(office: Office) -> None:
    one, other = [await screened(office, LISTED_ALIAS, country="BY") for _ in range(2)]
    await cleared(office, one)

    await office.rescreening.sweep()

    hit = (await kept(office, other)).hits[0]
    assert (hit.state, [act.officer_id for act in hit.acts]) == ("FALSE_POSITIVE", ["licensing-2"])


async def test_hits_are_listed_newest_first_in_pages_and_by_application_and_state(
    office: Office,
) -> None:
    applications = [await screened(office, LISTED_ALIAS) for _ in range(3)]
    with acting_as(OFFICERS[0]):
        page = await office.hits.ListHits(service_pb2.ListHitsRequest(page_size=2), None)
        rest = await office.hits.ListHits(
            service_pb2.ListHitsRequest(page_size=2, page_token=page.next_page_token), None
        )
        own = await office.hits.ListHits(
            service_pb2.ListHitsRequest(application_id=str(applications[0])), None
        )
        none = await office.hits.ListHits(
            service_pb2.ListHitsRequest(state=model_pb2.HIT_STATE_CONFIRMED), None
        )
        one = await office.hits.GetHit(service_pb2.GetHitRequest(hit_id=own.hits[0].hit_id), None)

    listed = [hit.application_id for hit in (*page.hits, *rest.hits)]
    assert (
        listed[: len(applications)] == [str(each) for each in reversed(applications)][: len(listed)]
    )
    assert {hit.application_id for hit in own.hits} == {str(applications[0])}
    assert (len(none.hits), one.hit) == (0, own.hits[0])
    assert own.hits[0].hit.evidence


async def test_an_exact_hit_is_cleared_by_the_second_officer_who_confirms_the_proposal(
    office: Office,
) -> None:
    application_id = await screened(office, LISTED_ALIAS, country="BY")
    application = await kept(office, application_id)

    proposed = await judged(office, application.hits[0].hit_id, application.version, OFFICERS[0])
    with pytest.raises(RpcError) as alone:
        await confirmed(office, application_id, OFFICERS[0], proposed)
    with pytest.raises(RpcError) as unknown:
        await confirmed(
            office,
            application_id,
            OFFICERS[1],
            model_pb2.HitCase(hit_id=proposed.hit_id, clearing_id=str(uuid4())),
        )
    cleared_case = await confirmed(office, application_id, OFFICERS[1], proposed)

    assert proposed.state == model_pb2.HIT_STATE_CLEARING_PROPOSED
    assert (alone.value.reason, unknown.value.reason) == ("SELF_CONFIRMATION", "NOT_FOUND")
    assert cleared_case.state == model_pb2.HIT_STATE_FALSE_POSITIVE
    assert cleared_case.clearing_id == ""


async def test_a_rejected_proposal_opens_the_hit_again(office: Office) -> None:
    application_id = await screened(office, LISTED_ALIAS, country="BY")
    application = await kept(office, application_id)
    proposed = await judged(office, application.hits[0].hit_id, application.version, OFFICERS[0])
    request = service_pb2.RejectClearingRequest(
        request_id=str(uuid4()),
        hit_id=proposed.hit_id,
        clearing_id=proposed.clearing_id,
        rationale=WHY,
        etag=proposed.etag,
    )

    with acting_as(OFFICERS[1]):
        rejected = (await office.hits.RejectClearing(request, None)).hit

    assert rejected.state == model_pb2.HIT_STATE_OPEN
    assert (await names_of(office, application_id))[-1] == "HitClearingRejected"
    history = await office.replica.screenings.history(application_id)
    assert office.replica.screenings.rebuild(history) == await kept(office, application_id)


async def test_a_verdict_on_what_somebody_changed_meanwhile_is_refused(office: Office) -> None:
    application = await kept(office, await screened(office, LISTED_ALIAS))
    await judged(office, application.hits[0].hit_id, application.version, OFFICERS[0])

    with pytest.raises(RpcError) as refused:
        await judged(office, application.hits[0].hit_id, application.version, OFFICERS[1])

    assert refused.value.reason == "STALE_ETAG"
