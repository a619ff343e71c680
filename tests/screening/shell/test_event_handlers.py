"""Events of applications and enforcement are handled, on the real database."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest
from safeconduct.applications.v1 import model_pb2

from chassis.rpc.errors import RpcError
from chassis.streams.envelope import Undecodable
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.model import Strength
from services.screening.core.records import ScreeningResult
from services.screening.shell.event_handlers import EventHandlers
from tests.screening.core.hits import RULES
from tests.screening.shell.replica import HIT_RULES, NewReplica, Replica
from tests.screening.shell.submissions import (
    LISTED_ALIAS,
    LISTED_ENTRY,
    UNLISTED,
    envelope,
    party,
    submitted,
)


@pytest.fixture
def handlers(replica: Replica) -> EventHandlers:
    return replica.handlers


async def kept(replica: Replica, application_id: UUID) -> ScreenedApplication:
    current = await replica.journal.read(application_id)
    assert current is not None
    return current.state


async def test_every_party_is_screened_and_all_are_kept_in_one_event(
    handlers: EventHandlers, replica: Replica
) -> None:
    application_id = uuid4()
    event = submitted(
        party("end-user", LISTED_ALIAS, country="BY"),
        party("applicant", UNLISTED, country="NO"),
        party("deployer", "Example Deployer", LISTED_ALIAS),
        application_id=application_id,
    )

    await handlers.applications(envelope(event.SerializeToString()))

    application = await kept(replica, application_id)
    end_user, applicant, deployer = application.latest.parties
    assert (end_user.result, end_user.hits[0].strength, end_user.hits[0].entry_id) == (
        ScreeningResult.POSSIBLE_MATCH,
        Strength.EXACT,
        LISTED_ENTRY,
    )
    assert (applicant.party_id, applicant.result) == ("applicant", ScreeningResult.CLEAR)
    assert deployer.hits[0].queried_name == LISTED_ALIAS
    assert application.version == 1


def owner(party_id: str, name: str, owned: str, share: float | None = None) -> model_pb2.Party:
    found = party(party_id, name)
    found.ClearField("roles")
    found.roles.append(model_pb2.PARTY_ROLE_BENEFICIAL_OWNER)
    stake = found.owns.add(owned_party_id=owned)
    if share is not None:
        stake.share_percent = share
    return found


async def test_owners_are_screened_as_parties_and_their_shares_are_added_up(
    handlers: EventHandlers, replica: Replica
) -> None:
    application_id = uuid4()
    event = submitted(
        party("end-user", UNLISTED, country="NO"),
        owner("holding", "Example Holding 1 Ltd", "end-user", 30.0),
        owner("first", LISTED_ALIAS, "holding", 50.0),
        owner("second", "AECC Aviation Power Co. Ltd.", "end-user", 25.0),
        application_id=application_id,
    )

    await handlers.applications(envelope(event.SerializeToString()))

    assessed = (await kept(replica, application_id)).latest.ownership
    assert assessed is not None
    (found,) = (each for each in assessed.findings if each.party_id == "end-user")
    assert (found.result, found.rule_id, found.at_least_percent) == (
        "BLOCKED",
        "us-bis-affiliates",
        55.0,
    )
    assert (found.most_restrictive_owner_id, found.list_codes) == ("first", ("EL", "MEU"))
    assert (
        "first (listed: EL) holds 50 % of holding, holding holds 30 % of end-user"
        in found.explanation
    )


async def test_a_share_that_is_not_stated_is_a_red_flag(
    handlers: EventHandlers, replica: Replica
) -> None:
    application_id = uuid4()
    event = submitted(
        party("end-user", UNLISTED),
        owner("holding", "Example Holding 1 Ltd", "end-user"),
        application_id=application_id,
    )

    await handlers.applications(envelope(event.SerializeToString()))

    assessed = (await kept(replica, application_id)).latest.ownership
    assert assessed is not None
    assert [(each.party_id, each.result, each.cause) for each in assessed.findings] == [
        ("end-user", "RED_FLAG", "UNKNOWN_SHARE")
    ]


async def test_versions_of_list_and_rules_are_kept_with_the_result(
    handlers: EventHandlers, replica: Replica
) -> None:
    event = submitted(party("end-user", UNLISTED))

    await handlers.applications(envelope(event.SerializeToString()))

    latest = (await kept(replica, UUID(event.application_id))).latest
    assert replica.screener.index is not None
    assert latest.list_version == replica.screener.index.list_version_id
    assert latest.list_version.startswith("US-CSL/2025-02/")
    assert latest.config_version


async def test_a_record_that_is_consumed_twice_changes_nothing(
    handlers: EventHandlers, replica: Replica
) -> None:
    event, event_id = submitted(party("end-user", UNLISTED)), uuid4()
    record = envelope(event.SerializeToString(), event_id=event_id)

    await handlers.applications(record)
    first = await kept(replica, UUID(event.application_id))
    await handlers.applications(record)

    assert await kept(replica, UUID(event.application_id)) == first
    assert len(await replica.journal.history(first.application_id)) == 1


async def test_the_stored_state_is_the_fold_of_the_stored_events(
    handlers: EventHandlers, replica: Replica
) -> None:
    application_id = uuid4()
    for name in (UNLISTED, LISTED_ALIAS):
        event = submitted(party("end-user", name), application_id=application_id)
        await handlers.applications(envelope(event.SerializeToString()))

    history = await replica.journal.history(application_id)

    assert len(history) == 2
    assert replica.journal.rebuild(history) == await kept(replica, application_id)


async def test_other_facts_are_not_for_screening(handlers: EventHandlers) -> None:
    await handlers.applications(envelope(b"\xff\xff", "SomethingThatComesLater"))


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xff\xff",
        submitted(party("end-user", UNLISTED), partner_id="").SerializeToString(),
        submitted().SerializeToString(),
        submitted(party("end-user", UNLISTED)).SerializeToString().replace(b"-", b"."),
    ],
    ids=["no message", "no partner", "no parties", "no id"],
)
async def test_what_says_less_than_the_contract_promises_is_not_understood(
    handlers: EventHandlers, payload: bytes
) -> None:
    with pytest.raises(Undecodable):
        await handlers.applications(envelope(payload))


async def test_without_a_list_an_application_waits(
    replica: Replica, pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    listless = new_replica(pool)
    event = submitted(party("end-user", UNLISTED))

    with pytest.raises(RpcError) as refusal:
        await listless.handlers.applications(envelope(event.SerializeToString()))

    assert refusal.value.code is grpc.StatusCode.UNAVAILABLE
    assert await replica.journal.read(UUID(event.application_id)) is None


async def test_what_is_not_begun_in_time_is_undetermined_and_never_clear(replica: Replica) -> None:
    event = submitted(party("end-user", UNLISTED), party("applicant", LISTED_ALIAS))

    await EventHandlers(
        replica.journal, replica.screener, RULES, HIT_RULES, budget_s=0
    ).applications(envelope(event.SerializeToString()))

    parties = (await kept(replica, UUID(event.application_id))).latest.parties
    assert {(each.result, each.undetermined_reason) for each in parties} == {
        (ScreeningResult.UNDETERMINED, "BUDGET_EXCEEDED")
    }


async def test_a_span_has_results_and_entries_and_no_name(
    handlers: EventHandlers, replica: Replica
) -> None:
    event = submitted(party("end-user", LISTED_ALIAS, UNLISTED))
    replica.spans.clear()

    with replica.telemetry.tracer.start_as_current_span("process"):
        await handlers.applications(envelope(event.SerializeToString()))

    spans = replica.spans.get_finished_spans()
    (event,) = (event for span in spans for event in span.events)
    attributes = dict(event.attributes or {})
    assert attributes["safeconduct.screening.strength"] == "EXACT"
    assert LISTED_ENTRY in str(attributes["safeconduct.screening.entries"])
    assert not any(word in span.to_json() for span in spans for word in ("Repair", "Orchard"))
