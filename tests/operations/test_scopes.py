"""What the three services recorded about one case is compared, whatever hashes a file has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from safeconduct.enforcement.v1 import model_pb2 as enforcement

from operations.audit.case_checks import check
from tests.applications import builders as b
from tests.operations.made_case import made_case, messages_of, stream, with_stream

CASE = made_case(b.KEY)


def found_after(service: str, change: Callable[[Any], object]) -> str:
    """The faults of the scopes after a change of one service's newest event, hashed anew."""
    messages = messages_of(CASE, service)
    change(messages[-1])
    entry = next(each for each in CASE.streams if each.service == service)
    changed = with_stream(CASE, stream(service, entry.stream_id, messages))
    results = {each.part: each for each in check(changed)}
    assert results[f"chain of {service}"].ok
    return "" if results["scopes"].ok else results["scopes"].detail


def test_a_case_whose_services_agree_has_no_fault() -> None:
    assert found_after("enforcement", lambda _: None) == ""


STANDINGS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a further model": (
        lambda it: it.standing.grants.add(
            model_id="example-frontier-2", access_mode=enforcement.ACCESS_MODE_HOSTED_ACCESS
        ),
        "grants other models or forms of access",
    ),
    "another form of access": (
        lambda it: setattr(
            it.standing.grants[0], "access_mode", enforcement.ACCESS_MODE_MODEL_WEIGHTS
        ),
        "grants other models or forms of access",
    ),
    "a further destination": (
        lambda it: it.standing.destinations.append("RU"),
        "has other destinations",
    ),
    "a further end use": (
        lambda it: it.standing.granted_end_uses.append(enforcement.END_USE_MILITARY),
        "grants an end use",
    ),
    "another partner": (lambda it: setattr(it.standing, "partner_id", "x"), "another partner_id"),
    "a later end": (lambda it: it.standing.not_after.FromSeconds(9), "another not_after"),
    "a longer lease": (lambda it: setattr(it.standing, "lease_seconds", 9), "lease_seconds"),
}


@pytest.mark.parametrize(("change", "fault"), STANDINGS.values(), ids=list(STANDINGS))
def test_a_standing_that_is_wider_than_the_license_is_named(
    change: Callable[[Any], object], fault: str
) -> None:
    assert fault in found_after("enforcement", change)


def test_a_standing_of_an_earlier_release_without_forms_of_access_is_no_fault() -> None:
    def earlier(message: Any) -> None:
        for grant in message.standing.grants:
            grant.access_mode = enforcement.ACCESS_MODE_UNSPECIFIED

    def earliest(message: Any) -> None:
        message.standing.model_ids.extend(each.model_id for each in message.standing.grants)
        del message.standing.grants[:]

    assert found_after("enforcement", earlier) == found_after("enforcement", earliest) == ""


SCREENINGS: dict[str, tuple[Callable[[Any], object], str]] = {
    "another name": (
        lambda it: it.subjects[1].names.append("Another"),
        "screened end-user with other details",
    ),
    "another country": (
        lambda it: it.subjects[0].countries.append("RU"),
        "screened applicant with other details",
    ),
    "another number": (
        lambda it: it.subjects[0].identifiers.add(type="LEI", value="1"),
        "screened applicant with other details",
    ),
    "a party less": (lambda it: it.parties.pop(), "has other parties than the application"),
    "a party more": (lambda it: it.subjects.add(party_id="x"), "the application does not have"),
    "another partner": (lambda it: setattr(it, "partner_id", "x"), "is of another partner"),
}


@pytest.mark.parametrize(("change", "fault"), SCREENINGS.values(), ids=list(SCREENINGS))
def test_a_screening_of_others_than_those_who_applied_is_named(
    change: Callable[[Any], object], fault: str
) -> None:
    assert fault in found_after("screening", change)


def test_the_faults_name_no_person() -> None:
    for service, changes in (("screening", SCREENINGS), ("enforcement", STANDINGS)):
        for change, _ in changes.values():
            assert "Party" not in found_after(service, change)
