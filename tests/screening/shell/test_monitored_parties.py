"""Monitored parties on the real database: a changed entry finds its parties, on every replica."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.screening.v1.model_pb2 import HIT_VERDICT_CONFIRMED

from chassis.rpc.errors import RpcError
from services.screening.core.records import ScreeningResult
from services.screening.shell import monitored_parties
from services.screening.shell.list_sources import ListSource
from services.screening.shell.monitored_parties import MonitoredParties
from tests.screening.shell.replica import (
    OFFICERS,
    NewReplica,
    Replica,
    changed,
    judged,
    kept,
    names_of,
    screened,
)
from tests.screening.shell.submissions import (
    LISTED_ALIAS,
    UNLISTED,
    envelope,
    party,
    submitted,
)

NAME = "Example Listed Institute"


async def resubmitted(own_replica: Replica, application_id: UUID, *names: str) -> None:
    told = submitted(
        *(party(f"p-{number}", name) for number, name in enumerate(names)),
        application_id=application_id,
    )
    await own_replica.handlers.applications(envelope(told.SerializeToString()))


async def results(own_replica: Replica, application_id: UUID) -> list[ScreeningResult]:
    return [each.result for each in (await kept(own_replica, application_id)).latest.parties]


async def test_all_parties_are_read_again_after_a_row_could_not_be_read(
    own_replica: Replica, own_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica of an older release meets a row that a newer release has written."""
    monkeypatch.setattr(monitored_parties, "_PAGE", 1)
    first, last = sorted([await screened(own_replica, UNLISTED, NAME) for _ in range(2)])
    monitored = own_replica.rescreening.monitored
    await own_pool.execute("update stream set schema = schema + 1 where id = $1", last)
    with pytest.raises(RpcError, match="NEWER_STATE"):
        await monitored.keep_up()
    await own_pool.execute("update stream set schema = schema - 1 where id = $1", last)

    await monitored.keep_up()

    versions = [monitored._index.version_of(each) for each in (first, last)]
    assert versions == [1, 1]


@pytest.mark.parametrize("parties_per_name", [0, 1_000], ids=["looked up", "compared one by one"])
async def test_both_ways_of_looking_find_the_same(
    own_replica: Replica, source: ListSource, monkeypatch: pytest.MonkeyPatch, parties_per_name: int
) -> None:
    monkeypatch.setattr(monitored_parties, "PARTIES_PER_NAME", parties_per_name)
    exact, typo, swapped, stranger = [
        await screened(own_replica, UNLISTED, name)
        for name in (
            NAME,
            "Exampel Listd Institute",
            "Institute Listed Example",
            "Bergholz Listed Museum",
        )
    ]

    await changed(own_replica, source, NAME)
    await own_replica.rescreening.sweep()

    for application_id in (exact, typo, swapped):
        assert await results(own_replica, application_id) == [
            ScreeningResult.CLEAR,
            ScreeningResult.POSSIBLE_MATCH,
        ]
    assert await names_of(own_replica, stranger) == ["ScreeningCompleted"]
    assert await own_replica.rescreening.waiting() == 0


async def test_parties_are_kept_up_with_what_is_written_and_let_go_with_what_is_over(
    own_replica: Replica, own_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitored_parties, "PARTIES_PER_NAME", 0)
    held = own_replica.rescreening.monitored
    before = await screened(own_replica, UNLISTED, NAME)
    await held.keep_up()
    assert held.count == 2

    over = await screened(own_replica, UNLISTED)
    await resubmitted(own_replica, before, UNLISTED, NAME, "Another Museum")
    await held.keep_up()
    assert held.count == 4

    withdrawn = applications_pb2.ApplicationWithdrawn(application_id=str(over))
    await own_replica.handlers.applications(
        envelope(withdrawn.SerializeToString(), "ApplicationWithdrawn")
    )
    await held.keep_up()
    assert held.count == 3


async def test_a_party_that_comes_while_the_list_changes_is_not_missed_by_an_index_that_is_behind(
    own_replica: Replica,
    own_pool: asyncpg.Pool,
    new_replica: NewReplica,
    source: ListSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitored_parties, "PARTIES_PER_NAME", 0)
    behind = new_replica(own_pool)
    await behind.lists.refresh()
    await screened(own_replica, UNLISTED)
    await own_replica.rescreening.monitored.keep_up()
    await changed(own_replica, source, NAME)
    late = await screened(behind, UNLISTED, NAME)
    # As if the journal's events had not been seen yet: the index has to look by itself.
    monkeypatch.setattr(MonitoredParties, "keep_up", _nothing)

    await own_replica.rescreening.sweep()

    assert await results(own_replica, late) == [
        ScreeningResult.CLEAR,
        ScreeningResult.POSSIBLE_MATCH,
    ]


async def _nothing(self: MonitoredParties) -> None:
    """The index stays as it is."""


async def test_what_was_compared_is_compared_again_when_a_replica_that_is_behind_screens_it_anew(
    own_replica: Replica, own_pool: asyncpg.Pool, new_replica: NewReplica, source: ListSource
) -> None:
    behind = new_replica(own_pool)
    await behind.lists.refresh()
    application_id = await screened(own_replica, UNLISTED)
    await changed(own_replica, source, NAME)
    await own_replica.rescreening.sweep()
    assert await own_replica.rescreening.waiting() == 0

    await resubmitted(behind, application_id, UNLISTED, NAME)
    assert await results(own_replica, application_id) == [
        ScreeningResult.CLEAR,
        ScreeningResult.CLEAR,
    ]
    await own_replica.rescreening.sweep()

    assert await results(own_replica, application_id) == [
        ScreeningResult.CLEAR,
        ScreeningResult.POSSIBLE_MATCH,
    ]
    assert (await names_of(own_replica, application_id))[-1] == "PartyListed"


async def test_whoever_fails_leaves_the_lock_to_the_next(
    own_replica: Replica,
    own_pool: asyncpg.Pool,
    new_replica: NewReplica,
    source: ListSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = new_replica(own_pool)
    application_id = await screened(own_replica, NAME)
    await changed(own_replica, source, NAME)
    await other.lists.refresh()

    async def broken(*_: object) -> None:
        raise OSError("the index broke")

    with monkeypatch.context() as patched:
        patched.setattr(own_replica.rescreening.monitored, "matching", broken)
        with pytest.raises(OSError, match="broke"):
            await own_replica.rescreening.sweep()

    # The database notices a moment later that the connection is gone.
    async with asyncio.timeout(30):
        held = "select count(*) from pg_locks where locktype = 'advisory' and granted"
        while await own_pool.fetchval(held):
            pass
    await other.rescreening.sweep()
    assert (await names_of(own_replica, application_id))[-1] == "PartyListed"


async def test_a_match_confirmed_while_the_license_is_being_signed_is_told_with_the_license(
    own_replica: Replica,
) -> None:
    application_id = await screened(own_replica, LISTED_ALIAS)
    application = await kept(own_replica, application_id)
    await judged(
        own_replica,
        application.hits[0].hit_id,
        application.version,
        OFFICERS[0],
        HIT_VERDICT_CONFIRMED,
    )
    license_id = uuid4()
    issued = applications_pb2.LicenseIssued(application_id=str(application_id))
    issued.license.license_id = str(license_id)
    issued.license.screening_id = str(application.latest.screening_id)

    await own_replica.handlers.applications(envelope(issued.SerializeToString(), "LicenseIssued"))

    assert (await names_of(own_replica, application_id))[-2:] == ["LicenseMonitored", "PartyListed"]
    told = (await kept(own_replica, application_id)).listed[-1]
    assert (told.license_id, told.result) == (license_id, ScreeningResult.CONFIRMED_MATCH)


def checks(own_replica: Replica, outcome: str) -> float:
    labels = {"outcome": outcome}
    return (
        own_replica.telemetry.registry.get_sample_value(
            "safeconduct_rescreening_full_screenings_total", labels
        )
        or 0.0
    )


async def test_the_check_of_the_check_finds_and_tells_what_the_change_did_not(
    own_replica: Replica, source: ListSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, lost = [
        await screened(own_replica, UNLISTED, name)
        for name in (NAME, "Example Listed Institute Ltd")
    ]
    await changed(own_replica, source, NAME)
    real = MonitoredParties.matching

    async def forgetful(self: MonitoredParties, *given: Any) -> frozenset[UUID]:
        return await real(self, *given) - {lost}

    with monkeypatch.context() as patched:
        patched.setattr(MonitoredParties, "matching", forgetful)
        await own_replica.rescreening.sweep()
    assert await names_of(own_replica, lost) == ["ScreeningCompleted"]
    assert (await names_of(own_replica, found))[-1] == "PartyListed"

    while await own_replica.rescreening.full_check.check_next():
        pass

    assert (await names_of(own_replica, lost))[-1] == "PartyListed"
    assert (checks(own_replica, "missed"), checks(own_replica, "same")) == (1, 0)
    assert (
        own_replica.telemetry.registry.get_sample_value(
            "safeconduct_rescreening_full_screening_pending"
        )
        == 0
    )


async def test_the_check_of_the_check_changes_nothing_where_nothing_is_missing(
    own_replica: Replica, source: ListSource
) -> None:
    application_id = await screened(own_replica, UNLISTED, LISTED_ALIAS)
    await changed(own_replica, source, NAME)
    await own_replica.rescreening.sweep()

    while await own_replica.rescreening.full_check.check_next():
        pass

    assert await names_of(own_replica, application_id) == ["ScreeningCompleted"]
    assert (checks(own_replica, "missed"), checks(own_replica, "same")) == (0, 1)
