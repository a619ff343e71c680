"""Applications are compared with changed lists and past verdicts, on the real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import model_pb2

from services.screening.core.lifecycle import ScreenedState
from services.screening.core.records import ScreeningResult
from services.screening.shell.list_sources import ListSource
from services.screening.shell.past_verdicts import cleared_pairs
from tests.screening.shell.replica import (
    HIT_RULES,
    OFFICERS,
    NewReplica,
    Replica,
    activated,
    cleared,
    imported,
    kept,
    names_of,
    newer,
    screened,
    withdrawn,
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


async def test_a_withdrawn_verdict_opens_what_it_cleared_in_other_applications_once(
    own_replica: Replica,
) -> None:
    before = await screened(own_replica, LISTED_ALIAS, country="BY")
    one = await screened(own_replica, LISTED_ALIAS, country="BY")
    await cleared(own_replica, one)
    await own_replica.rescreening.sweep()
    later = await screened(own_replica, LISTED_ALIAS, country="BY")
    states = [(await kept(own_replica, each)).hits[0].state for each in (before, later)]
    assert states == ["FALSE_POSITIVE", "FALSE_POSITIVE"]

    case = await withdrawn(
        own_replica, (await kept(own_replica, one)).hits[0].hit_id, one, OFFICERS[0]
    )
    await own_replica.rescreening.sweep()
    await own_replica.rescreening.sweep()

    assert case.state == model_pb2.HIT_STATE_OPEN
    for each in (before, later):
        assert (await kept(own_replica, each)).hits[0].state == "OPEN"
        names = await names_of(own_replica, each)
        assert names[-2:] == ["PartyListed", "VerdictWithdrawn"]
        assert names.count("VerdictWithdrawn") == 1
        history = await own_replica.journal.history(each)
        assert own_replica.journal.rebuild(history) == await kept(own_replica, each)


async def test_a_hit_that_was_cleared_while_its_verdict_was_withdrawn_is_opened_later(
    own_replica: Replica,
) -> None:
    one = await screened(own_replica, LISTED_ALIAS, country="BY")
    await cleared(own_replica, one)
    past = (await kept(own_replica, one)).hits[0]
    # The screening read the verdict before the withdrawal and is stored after it.
    late = await screened(own_replica, LISTED_ALIAS, country="BY")
    await withdrawn(own_replica, past.hit_id, one, OFFICERS[0])
    assert (await kept(own_replica, late)).hits[0].remembered_hit_id == past.hit_id

    await own_replica.rescreening.sweep()

    assert (await kept(own_replica, late)).hits[0].state == "OPEN"


async def test_a_withdrawn_verdict_is_not_remembered_until_it_is_given_again(
    own_replica: Replica,
) -> None:
    one = await screened(own_replica, LISTED_ALIAS, country="BY")
    await cleared(own_replica, one)
    hit_id = (await kept(own_replica, one)).hits[0].hit_id
    await withdrawn(own_replica, hit_id, one, OFFICERS[0])

    asked = await screened(own_replica, LISTED_ALIAS, country="BY")
    assert (await kept(own_replica, asked)).hits[0].state == "OPEN"
    await cleared(own_replica, one)
    await own_replica.rescreening.sweep()

    assert (await kept(own_replica, asked)).hits[0].state == "FALSE_POSITIVE"


async def test_a_verdict_is_forgotten_after_the_days_of_the_rules(own_replica: Replica) -> None:
    one = await screened(own_replica, LISTED_ALIAS, country="BY")
    await cleared(own_replica, one)
    subjects = (await kept(own_replica, one)).latest.subjects
    now = datetime.now(UTC)

    async def pairs(since: datetime) -> int:
        return len(await cleared_pairs(own_replica.journal, subjects, since))

    assert await pairs(HIT_RULES.remembered_since(now)) == 1
    assert await pairs(HIT_RULES.remembered_since(now + timedelta(days=366))) == 0
