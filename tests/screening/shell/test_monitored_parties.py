"""Monitored parties on the real database: whoever a change concerns is found, by whichever replica, at any moment."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.screening.v1.model_pb2 import HIT_VERDICT_CONFIRMED

from services.screening.core.records import ScreeningResult
from services.screening.shell import monitored_parties
from services.screening.shell.active_lists import Source
from services.screening.shell.monitored_parties import Monitored
from tests.screening.shell.conftest import NewReplica
from tests.screening.shell.submissions import LISTED_ALIAS, UNLISTED, envelope, party, submitted
from tests.screening.shell.test_rescreening import (
    OFFICERS,
    Office,
    _office,
    activated,
    imported,
    judged,
    kept,
    names_of,
    newer,
    office,
    screened,
)

__all__ = ["office"]
NAME = "Example Listed Institute"


async def changed(office: Office, source: Source, *names: str) -> None:
    answer = await imported(office, newer(source, *names))
    await activated(office, answer.version.list_version)


async def resubmitted(office: Office, application_id: UUID, *names: str) -> None:
    told = submitted(
        *(party(f"p-{number}", name) for number, name in enumerate(names)),
        application_id=application_id,
    )
    await office.hearing.applications(envelope(told.SerializeToString()))


async def results(office: Office, application_id: UUID) -> list[ScreeningResult]:
    return [each.result for each in (await kept(office, application_id)).latest.parties]


@pytest.mark.parametrize("names_of_a_party", [0, 1_000], ids=["looked up", "compared one by one"])
async def test_both_ways_of_looking_find_the_same(
    office: Office, source: Source, monkeypatch: pytest.MonkeyPatch, names_of_a_party: int
) -> None:
    monkeypatch.setattr(monitored_parties, "NAMES_OF_A_PARTY", names_of_a_party)
    exact, typo, swapped, stranger = [
        await screened(office, UNLISTED, name)
        for name in (
            NAME,
            "Exampel Listd Institute",
            "Institute Listed Example",
            "Bergholz Listed Museum",
        )
    ]

    await changed(office, source, NAME)
    await office.rescreening.sweep()

    for application_id in (exact, typo, swapped):
        assert await results(office, application_id) == [
            ScreeningResult.CLEAR,
            ScreeningResult.POSSIBLE_MATCH,
        ]
    assert await names_of(office, stranger) == ["ScreeningCompleted"]
    assert await office.rescreening.waiting() == 0


async def test_parties_are_kept_up_with_what_is_written_and_let_go_with_what_is_over(
    office: Office, own_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitored_parties, "NAMES_OF_A_PARTY", 0)
    held = office.rescreening.monitored
    before = await screened(office, UNLISTED, NAME)
    await held.keep_up()
    assert held.count == 2

    over = await screened(office, UNLISTED)
    await resubmitted(office, before, UNLISTED, NAME, "Another Museum")
    await held.keep_up()
    assert held.count == 4

    withdrawn = applications_pb2.ApplicationWithdrawn(application_id=str(over))
    await office.hearing.applications(
        envelope(withdrawn.SerializeToString(), "ApplicationWithdrawn")
    )
    await held.keep_up()
    assert held.count == 3


async def test_a_party_that_comes_while_the_list_changes_is_not_missed_by_an_index_that_is_behind(
    office: Office,
    own_pool: asyncpg.Pool,
    new_replica: NewReplica,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitored_parties, "NAMES_OF_A_PARTY", 0)
    behind = _office(new_replica(own_pool), own_pool)
    await behind.replica.lists.refresh()
    await screened(office, UNLISTED)
    await office.rescreening.monitored.keep_up()
    await changed(office, source, NAME)
    late = await screened(behind, UNLISTED, NAME)
    # As if the journal's events had not been seen yet: the index has to look by itself.
    monkeypatch.setattr(Monitored, "keep_up", _nothing)

    await office.rescreening.sweep()

    assert await results(office, late) == [ScreeningResult.CLEAR, ScreeningResult.POSSIBLE_MATCH]


async def _nothing(self: Monitored) -> None:
    """The index stays as it is."""


async def test_what_was_compared_is_compared_again_when_a_replica_that_is_behind_screens_it_anew(
    office: Office, own_pool: asyncpg.Pool, new_replica: NewReplica, source: Source
) -> None:
    behind = _office(new_replica(own_pool), own_pool)
    await behind.replica.lists.refresh()
    application_id = await screened(office, UNLISTED)
    await changed(office, source, NAME)
    await office.rescreening.sweep()
    assert await office.rescreening.waiting() == 0

    await resubmitted(behind, application_id, UNLISTED, NAME)
    assert await results(office, application_id) == [ScreeningResult.CLEAR, ScreeningResult.CLEAR]
    await office.rescreening.sweep()

    assert await results(office, application_id) == [
        ScreeningResult.CLEAR,
        ScreeningResult.POSSIBLE_MATCH,
    ]
    assert (await names_of(office, application_id))[-1] == "PartyListed"


async def test_whoever_fails_leaves_the_lock_to_the_next(
    office: Office,
    own_pool: asyncpg.Pool,
    new_replica: NewReplica,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = _office(new_replica(own_pool), own_pool)
    application_id = await screened(office, NAME)
    await changed(office, source, NAME)
    await other.replica.lists.refresh()

    async def broken(*_: object) -> None:
        raise OSError("the index broke")

    with monkeypatch.context() as patched:
        patched.setattr(office.rescreening.monitored, "touched", broken)
        with pytest.raises(OSError, match="broke"):
            await office.rescreening.sweep()

    # The database notices a moment later that the connection is gone.
    async with asyncio.timeout(30):
        held = "select count(*) from pg_locks where locktype = 'advisory' and granted"
        while await own_pool.fetchval(held):
            pass
    await other.rescreening.sweep()
    assert (await names_of(office, application_id))[-1] == "PartyListed"


async def test_a_match_confirmed_while_the_license_is_being_signed_is_told_with_the_license(
    office: Office,
) -> None:
    application_id = await screened(office, LISTED_ALIAS)
    application = await kept(office, application_id)
    await judged(
        office, application.hits[0].hit_id, application.version, OFFICERS[0], HIT_VERDICT_CONFIRMED
    )
    license_id = uuid4()
    issued = applications_pb2.LicenseIssued(application_id=str(application_id))
    issued.license.license_id = str(license_id)
    issued.license.screening_id = str(application.latest.screening_id)

    await office.hearing.applications(envelope(issued.SerializeToString(), "LicenseIssued"))

    assert (await names_of(office, application_id))[-2:] == ["LicenseMonitored", "PartyListed"]
    told = (await kept(office, application_id)).listed[-1]
    assert (told.license_id, told.result) == (license_id, ScreeningResult.CONFIRMED_MATCH)


def checks(office: Office, outcome: str) -> float:
    labels = {"outcome": outcome}
    return (
        office.replica.telemetry.registry.get_sample_value(
            "safeconduct_rescreening_full_screenings_total", labels
        )
        or 0.0
    )


async def test_the_check_of_the_check_finds_and_tells_what_the_change_did_not(
    office: Office, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, lost = [
        await screened(office, UNLISTED, name) for name in (NAME, "Example Listed Institute Ltd")
    ]
    await changed(office, source, NAME)
    real = Monitored.touched

    async def forgetful(self: Monitored, *given: Any) -> frozenset[UUID]:
        return await real(self, *given) - {lost}

    with monkeypatch.context() as patched:
        patched.setattr(Monitored, "touched", forgetful)
        await office.rescreening.sweep()
    assert await names_of(office, lost) == ["ScreeningCompleted"]
    assert (await names_of(office, found))[-1] == "PartyListed"

    while await office.rescreening.check_next():
        pass

    assert (await names_of(office, lost))[-1] == "PartyListed"
    assert (checks(office, "missed"), checks(office, "same")) == (1, 0)
    assert (
        office.replica.telemetry.registry.get_sample_value(
            "safeconduct_rescreening_full_screening_pending"
        )
        == 0
    )


async def test_the_check_of_the_check_changes_nothing_where_nothing_is_missing(
    office: Office, source: Source
) -> None:
    application_id = await screened(office, UNLISTED, LISTED_ALIAS)
    await changed(office, source, NAME)
    await office.rescreening.sweep()

    while await office.rescreening.check_next():
        pass

    assert await names_of(office, application_id) == ["ScreeningCompleted"]
    assert (checks(office, "missed"), checks(office, "same")) == (0, 1)
