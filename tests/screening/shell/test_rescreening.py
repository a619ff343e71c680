"""Applications are compared with changed lists and past verdicts, on the real database."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2

from services.screening.core.lifecycle import ScreenedState
from services.screening.core.records import ScreeningResult
from services.screening.shell.list_sources import ListSource
from tests.screening.shell.replica import (
    NewReplica,
    Replica,
    activated,
    cleared,
    imported,
    kept,
    names_of,
    newer,
    screened,
)
from tests.screening.shell.submissions import (
    LISTED_ALIAS,
    UNLISTED,
    envelope,
)


async def test_a_new_match_is_told_of_open_and_of_licensed_applications_and_of_no_others(
    own_replica: Replica, source: ListSource
) -> None:
    name = "Example Listed Institute"
    untouched, listed, licensed, over = [
        await screened(own_replica, each) for each in (UNLISTED, name, name, name)
    ]
    license_id = uuid4()
    issued = applications_pb2.LicenseIssued(application_id=str(licensed))
    issued.license.license_id = str(license_id)
    await own_replica.handlers.applications(envelope(issued.SerializeToString(), "LicenseIssued"))
    withdrawn = applications_pb2.ApplicationWithdrawn(application_id=str(over))
    await own_replica.handlers.applications(
        envelope(withdrawn.SerializeToString(), "ApplicationWithdrawn")
    )
    answer = await imported(own_replica, newer(source, name))

    await activated(own_replica, answer.version.list_version)
    assert await own_replica.rescreening.waiting() == 3
    await own_replica.rescreening.sweep()
    await own_replica.rescreening.sweep()

    assert await names_of(own_replica, untouched) == ["ScreeningCompleted"]
    assert await names_of(own_replica, listed) == [
        "ScreeningCompleted",
        "ScreeningCompleted",
        "PartyListed",
    ]
    assert (await names_of(own_replica, licensed))[-2:] == ["ScreeningCompleted", "PartyListed"]
    assert await names_of(own_replica, over) == ["ScreeningCompleted", "MonitoringEnded"]
    (told,) = (await kept(own_replica, licensed)).listed
    assert (told.license_id, told.entry_ids) == (license_id, ("EL-new-0",))
    for application_id in (untouched, listed, licensed, over):
        history = await own_replica.journal.history(application_id)
        assert own_replica.journal.rebuild(history) == await kept(own_replica, application_id)


async def test_two_replicas_tell_once(
    own_replica: Replica, own_pool: asyncpg.Pool, new_replica: NewReplica, source: ListSource
) -> None:
    other = new_replica(own_pool)
    name = "Example Listed Institute"
    applications = [await screened(own_replica, name) for _ in range(5)]
    answer = await imported(own_replica, newer(source, name))
    await activated(own_replica, answer.version.list_version)
    await other.lists.refresh()

    await asyncio.gather(own_replica.rescreening.sweep(), other.rescreening.sweep())
    await asyncio.gather(own_replica.rescreening.sweep(), other.rescreening.sweep())

    for application_id in applications:
        assert (await names_of(own_replica, application_id)).count("PartyListed") == 1


async def test_a_replica_that_is_behind_compares_nothing(
    own_replica: Replica, own_pool: asyncpg.Pool, new_replica: NewReplica, source: ListSource
) -> None:
    behind = new_replica(own_pool)
    await behind.lists.refresh()
    application_id = await screened(own_replica, "Example Listed Institute")
    answer = await imported(own_replica, newer(source, "Example Listed Institute"))
    await activated(own_replica, answer.version.list_version)

    await behind.rescreening.sweep()

    assert await names_of(own_replica, application_id) == ["ScreeningCompleted"]
    assert await own_replica.rescreening.waiting() == 1


async def test_a_revoked_license_is_let_go(own_replica: Replica) -> None:
    application_id = await screened(own_replica, UNLISTED)
    revoked = enforcement_pb2.LicenseRevoked(
        application_id=str(application_id), license_id=str(uuid4())
    )

    await own_replica.handlers.enforcement(envelope(revoked.SerializeToString(), "LicenseRevoked"))

    assert (await kept(own_replica, application_id)).state is ScreenedState.CLOSED


async def test_a_hit_that_was_found_false_is_known_again_until_the_party_changes(
    own_replica: Replica,
) -> None:
    first = await screened(own_replica, LISTED_ALIAS, country="BY")
    assert (await kept(own_replica, first)).hits[0].hit.strength == "EXACT"
    await cleared(own_replica, first)

    again = await kept(own_replica, await screened(own_replica, LISTED_ALIAS, country="BY"))
    moved = await kept(own_replica, await screened(own_replica, LISTED_ALIAS, country="AT"))

    assert again.latest.parties[0].result is ScreeningResult.FALSE_POSITIVE
    assert moved.latest.parties[0].result is ScreeningResult.POSSIBLE_MATCH


async def test_a_changed_entry_asks_again(own_replica: Replica, source: ListSource) -> None:
    name = "Example Listed Institute"
    answer = await imported(own_replica, newer(source, name))
    await activated(own_replica, answer.version.list_version)
    application_id = await screened(own_replica, name)
    await cleared(own_replica, application_id)
    changed = newer(source, name).replace(
        b"Example Listed Institute,", b"Example Listed Institute,Director", 1
    )
    answer = await imported(own_replica, changed)
    assert (answer.delta.added, answer.delta.changed, answer.delta.removed) == (0, 1, 0)

    await activated(own_replica, answer.version.list_version)
    await own_replica.rescreening.sweep()

    assert (await names_of(own_replica, application_id))[-2:] == [
        "ScreeningCompleted",
        "PartyListed",
    ]


async def test_a_verdict_reaches_the_same_pair_in_other_open_applications(
    own_replica: Replica,
) -> None:
    one, other = [await screened(own_replica, LISTED_ALIAS, country="BY") for _ in range(2)]
    await cleared(own_replica, one)

    await own_replica.rescreening.sweep()

    hit = (await kept(own_replica, other)).hits[0]
    assert (hit.state, [act.officer_id for act in hit.acts]) == ("FALSE_POSITIVE", ["licensing-2"])
