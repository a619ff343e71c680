"""Lists are imported, checked, activated and screened against, on the real database."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.errors import RpcError
from services.screening.core.records import ScreeningResult
from services.screening.shell.list_service import ListServicer
from services.screening.shell.list_sources import ListSource
from tests.chassis.callers import acting_as
from tests.screening.shell.replica import (
    LIST_OFFICER,
    Replica,
    activated,
    imported,
    kept,
    messages,
    newer,
    screened,
)
from tests.screening.shell.submissions import (
    LISTED,
    LISTED_ALIAS,
    UNLISTED,
)


async def test_an_import_says_what_it_changes_and_changes_nothing_by_itself(
    own_replica: Replica, source: ListSource
) -> None:
    answer = await imported(own_replica, newer(source, "Example Added Works", without=LISTED))

    assert (answer.delta.added, answer.delta.removed) == (1, 1)
    assert answer.version.list_version.startswith("US-CSL/2026-11/")
    with acting_as(LIST_OFFICER):
        status = await own_replica.list_officers.GetListStatus(
            service_pb2.GetListStatusRequest(), None
        )
    (found,) = status.lists
    assert (len(found.versions), found.active_version) == (2, found.versions[0].list_version)
    assert (status.is_current, status.waiting_applications) == (True, 0)


async def test_the_same_import_sent_again_in_other_pieces_is_answered_as_the_first(
    own_replica: Replica, source: ListSource
) -> None:
    content, request_id = newer(source, "Example Added Works"), uuid4()

    first = await imported(own_replica, content, request_id=request_id)

    assert await imported(own_replica, content, request_id=request_id) == first
    with pytest.raises(RpcError) as refused:
        await imported(own_replica, newer(source, "Another"), request_id=request_id)
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_a_tried_import_keeps_nothing(own_replica: Replica, source: ListSource) -> None:
    answer = await imported(own_replica, newer(source, "Example Added Works"), validate_only=True)

    rows = await own_replica.list_journal.fetch("select count(*) from list_source")
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
    own_replica: Replica, source: ListSource, cut: object, reason: str
) -> None:
    content = cut(newer(source))  # type: ignore[operator]  # parametrized
    if reason == "ok":
        assert (await imported(own_replica, content)).version.entry_count >= 1_000
        return

    with pytest.raises(RpcError) as refused:
        await imported(own_replica, content)

    assert refused.value.reason == reason
    (version,) = await own_replica.dependencies.list_store.active_versions()
    assert version.list_version.startswith("US-CSL/2025-02/")


async def test_half_a_list_that_looks_whole_is_refused_as_implausible(own_replica: Replica) -> None:
    simple = (
        b'"id","schema","name","aliases","birth_date","countries","addresses","identifiers"\n'
        + b"".join(
            b'"x-%d","Company","Example Works %d","","","","",""\n' % (n, n) for n in range(10)
        )
    )
    many = {"list_code": "EX-OWN", "format": model_pb2.LIST_FORMAT_TARGETS_SIMPLE_CSV}
    first = await imported(own_replica, simple, **many)
    request = service_pb2.ActivateListRequest(
        request_id=str(uuid4()), list_code="EX-OWN", list_version=first.version.list_version
    )
    with acting_as(LIST_OFFICER):
        await own_replica.list_officers.ActivateList(request, None)

    with pytest.raises(RpcError) as refused:
        await imported(own_replica, b"".join(simple.splitlines(keepends=True)[:8]), **many)

    assert refused.value.reason == "LIST_IMPLAUSIBLE"
    assert refused.value.metadata["activeEntries"] == "10"


@pytest.mark.parametrize("first", [{"list_code": ""}, {"format": 0}, {"publication": ""}])
async def test_an_import_that_does_not_say_what_it_is_is_refused(
    own_replica: Replica, first: dict[str, object]
) -> None:
    with pytest.raises(RpcError) as refused:
        await imported(own_replica, b"", **first)

    assert refused.value.reason == "IMPORT_UNCLEAR"


async def test_a_list_that_is_too_large_is_refused_before_it_is_read(own_replica: Replica) -> None:
    small = ListServicer(own_replica.dependencies, most_bytes=10)
    with acting_as(LIST_OFFICER), pytest.raises(RpcError) as refused:
        await small.ImportList(messages(b"x" * 11), None)

    assert refused.value.reason == "LIST_TOO_LARGE"


async def test_two_lists_are_screened_against_together_and_both_are_named(
    own_replica: Replica,
) -> None:
    simple = (
        b'"id","schema","name","aliases","birth_date","countries","addresses","identifiers"\n'
        b'"x-1","Company","Zzyzx Quarrying Cooperative","","","","",""\n'
    )
    answer = await imported(
        own_replica, simple, list_code="EX-OWN", format=model_pb2.LIST_FORMAT_TARGETS_SIMPLE_CSV
    )
    request = service_pb2.ActivateListRequest(
        request_id=str(uuid4()), list_code="EX-OWN", list_version=answer.version.list_version
    )
    with acting_as(LIST_OFFICER):
        await own_replica.list_officers.ActivateList(request, None)
    await own_replica.lists.refresh()

    application = await kept(
        own_replica, await screened(own_replica, "Zzyzx Quarrying Cooperative", LISTED_ALIAS)
    )

    assert [each.hits[0].list_code for each in application.latest.parties] == ["EX-OWN", "EL"]
    assert [part.partition("/")[0] for part in application.latest.list_version.split(" + ")] == [
        "EX-OWN",
        "US-CSL",
    ]


async def test_no_screening_is_missed_or_mixed_while_a_version_is_activated(
    own_replica: Replica, source: ListSource
) -> None:
    answer = await imported(own_replica, newer(source, "Example Added Works"))
    before = own_replica.screener.index
    assert before is not None
    done: list[UUID] = []
    is_over = False

    async def load() -> None:
        while not is_over:
            done.append(await screened(own_replica, UNLISTED, "Example Added Works"))

    loading = [asyncio.ensure_future(load()) for _ in range(3)]
    while len(done) < 5:  # noqa: ASYNC110 - the load tells of itself
        await asyncio.sleep(0.01)
    await activated(own_replica, answer.version.list_version)
    so_far = len(done)
    while len(done) < so_far + 5:  # noqa: ASYNC110 - same
        await asyncio.sleep(0.01)
    is_over = True
    await asyncio.gather(*loading)

    results = {}
    for application_id in done:
        latest = (await kept(own_replica, application_id)).latest
        results[application_id] = latest.list_version, latest.parties[1].result
    assert set(results.values()) == {
        (before.list_version_id, ScreeningResult.CLEAR),
        (answer.version.list_version, ScreeningResult.POSSIBLE_MATCH),
    }
    # Applications that were screened against the old version are found and compared.
    await own_replica.rescreening.sweep()
    assert [(await kept(own_replica, each)).latest.parties[1].result for each in done] == [
        ScreeningResult.POSSIBLE_MATCH
    ] * len(done)
    assert await own_replica.rescreening.waiting() == 0
