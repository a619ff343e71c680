"""Officers and partners find one application, license, hit or case among all of them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from safeconduct.applications.v1 import model_pb2
from safeconduct.applications.v1 import service_pb2 as applications_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2
from safeconduct.rpc.calls import Listing
from safeconduct.screening.v1 import model_pb2 as screening_pb2

from infra.scenario.clients import Clients
from infra.scenario.scenario import Scenario

from .conftest import Examples

Of = Callable[[str], Client]
T = TypeVar("T")


def _ignore(_what: str, _ms: float) -> None:
    """Discards the progress messages."""


def _named(examples: Examples, name: str, word: str) -> model_pb2.ApplicationDetails:
    """Returns the example with this word at the end of its end user's name."""
    details = model_pb2.ApplicationDetails()
    details.CopyFrom(examples[name])
    (user,) = (each for each in details.parties if each.party_id == "end-user")
    user.name = f"{user.name} {word}".strip()
    return details


def _word() -> str:
    return f"q{uuid4().hex[:12]}"


async def _read(listing: Listing[T]) -> tuple[list[T], int]:
    """Returns all elements of a list and the total that it states."""
    elements = [each async for each in listing]
    return elements, listing.total_size


async def _until(read: Callable[[], Awaitable[T]], is_there: Callable[[T], bool]) -> T:
    """Returns what was read when it is there, at most a minute later: events take their time."""
    deadline = time.monotonic() + 60
    while not is_there(found := await read()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    return found


async def _referred(clients: Clients, details: model_pb2.ApplicationDetails) -> str:
    """Submits the application and returns its id when policy has referred it to officers."""
    partner = clients.partner.applications
    application_id = (await partner.submit(details)).application_id

    async def is_referred() -> bool:
        found = await partner.get(application_id)
        return found.state == model_pb2.APPLICATION_STATE_UNDER_REVIEW

    await _until(is_referred, bool)
    return application_id


async def test_an_officer_finds_a_case_by_party_country_model_rule_and_tier(
    clients: Clients, examples: Examples
) -> None:
    word = _word()
    application_id = await _referred(clients, _named(examples, "fine-tuning-service", word))
    await _referred(clients, _named(examples, "fine-tuning-service", _word()))
    reviews = clients.licensing_officers[0].reviews

    (case,), total = await _read(reviews.cases(party_name=word))

    assert (case.application.application_id, total) == (application_id, 1)
    fitting: dict[str, Any] = {
        "state": model_pb2.APPLICATION_STATE_UNDER_REVIEW,
        "partner_id": "example-1",
        "party_name": f"UNIVERSITY {word.upper()}",
        "country": "FR",
        "model_id": "example-frontier-1",
        "rule_id": case.rule_ids[0],
        "tier": case.tier,
    }
    others: dict[str, Any] = {
        "state": model_pb2.APPLICATION_STATE_INTENT_TO_DENY,
        "partner_id": "example-2",
        "party_name": f"{word} {word}x",
        "country": "KE",
        "model_id": "no-such-model",
        "rule_id": "no.such.rule",
        "tier": 1 + case.tier % 3,
    }
    (found,), total = await _read(reviews.cases(**fitting))
    assert (found.application.application_id, total) == (application_id, 1)
    for name, value in others.items():
        assert await _read(reviews.cases(**fitting | {name: value})) == ([], 0), name


async def test_pages_of_cases_hold_each_case_once_while_one_is_withdrawn(
    clients: Clients, examples: Examples
) -> None:
    word = _word()
    submitted = [
        await _referred(clients, _named(examples, "fine-tuning-service", word)) for _ in range(4)
    ]
    reviews = clients.licensing_officers[0].reviews
    newest = applications_pb2.CASE_ORDER_NEWEST_FIRST

    listing = reviews.cases(party_name=word, page_size=1)
    oldest = await anext(listing)
    await clients.partner.applications.withdraw(submitted[0])
    await clients.partner.applications.withdraw(submitted[2])
    rest = [each.application.application_id async for each in listing]

    assert oldest.application.application_id == submitted[0]
    assert rest == [submitted[1], submitted[3]]
    # The total is that of the first page.
    assert listing.total_size == 4
    left, total = await _read(reviews.cases(party_name=word, order_by=newest, page_size=1))
    assert [each.application.application_id for each in left] == [submitted[3], submitted[1]]
    assert total == 2


async def test_a_partner_finds_and_counts_its_own_applications_alone(
    clients: Clients, examples: Examples, client_of: Of
) -> None:
    word = _word()
    application_id = await _referred(clients, _named(examples, "fine-tuning-service", word))
    stranger = client_of("partner/example-2")

    own, total = await _read(clients.partner.applications.list(party_name=word))
    officer = clients.licensing_officers[0].applications

    assert [each.application_id for each in own] == [application_id]
    assert total == 1
    assert await _read(stranger.applications.list(party_name=word)) == ([], 0)
    assert await _read(stranger.applications.list(partner_id="example-1")) == ([], 0)
    assert (await _read(officer.list(party_name=word)))[1] == 1
    with pytest.raises(SafeconductError) as refused:
        await _read(stranger.reviews.cases(party_name=word))
    assert refused.value.reason == "ROLE_MISSING"


async def test_a_license_and_the_report_about_it_are_found_by_partner_state_and_clause(
    clients: Clients, examples: Examples, client_of: Of
) -> None:
    word = _word()
    name = "hospital-hosted-access"
    scenario = Scenario(clients, {**examples, name: _named(examples, name, word)}, _ignore)
    await scenario.approve_by_policy()
    license_id = scenario.licenses["a"]
    stranger, officer = client_of("partner/example-2"), clients.licensing_officers[0]
    active, ending = model_pb2.LICENSE_STATE_ACTIVE, applications_pb2.LICENSE_ORDER_ENDING_FIRST

    (found,), total = await _read(
        officer.licenses.list(party_name=word, state=active, order_by=ending)
    )
    reported = await clients.telemetry.conduct.report(
        license_id,
        clause=enforcement_pb2.CLAUSE_OVER_USE,
        reporter_kind=enforcement_pb2.REPORTER_KIND_DEVELOPER_TELEMETRY,
        evidence_digests=[hashlib.sha256(b"telemetry that shows over-use").digest()],
    )
    violations = clients.enforcement_officers[0].violations
    conditions: dict[str, Any] = {
        "license_id": license_id,
        "partner_id": "example-1",
        "clause": enforcement_pb2.CLAUSE_OVER_USE,
    }
    (case,), cases = await _read(violations.list(**conditions))

    assert (found.license_id, total) == (license_id, 1)
    assert any(word in user for user in found.end_user_names)
    assert await _read(stranger.licenses.list(party_name=word)) == ([], 0)
    assert (case.violation_id, case.report_count, cases) == (reported.violation_id, 1, 1)
    elsewhere = conditions | {"partner_id": "example-2"}
    assert await _read(violations.list(**elsewhere)) == ([], 0)


async def test_an_officer_finds_a_hit_by_party_list_strength_and_state(
    clients: Clients, examples: Examples
) -> None:
    details = _named(examples, "similar-name", "")
    for party in details.parties:
        # No verdict that another journey gave on this party applies.
        party.address = f"{party.address} {_word()}".strip()
    application_id = await _referred(clients, details)
    officer = clients.licensing_officers[0].hits

    hits, total = await _read(officer.list(application_id=application_id))
    hit = hits[0]
    same: dict[str, Any] = {
        "application_id": application_id,
        "partner_id": "example-1",
        "party_name": hit.queried_name,
        "list_code": hit.list_code,
        "strength": hit.strength,
        "state": hit.state,
    }
    found, _ = await _read(officer.list(**same))

    assert total == len(hits) >= 1
    assert hit.hit_id in {each.hit_id for each in found}
    resolved = screening_pb2.HIT_STATE_CONFIRMED
    assert await _read(officer.list(**same | {"state": resolved})) == ([], 0)
    assert await _read(officer.list(**same | {"list_code": "XX-NONE"})) == ([], 0)
