"""What hits and verdicts say about the owners of a party."""

from __future__ import annotations

from dataclasses import replace

from services.screening.core import model
from services.screening.core.commands import (
    CompleteScreening,
    Rescreen,
)
from services.screening.core.events import (
    HitAdjudicated,
    PartyListed,
    ScreeningCompleted,
)
from services.screening.core.evolve import ScreenedApplication, evolve
from services.screening.core.model import Strength
from services.screening.core.ownership.assessment import OwnershipAssessment, Stake
from services.screening.core.ownership.findings import OwnershipCause, ShareRange
from services.screening.core.records import Subject
from tests.screening.core.hits import (
    CONFIRMED,
    FALSE,
    LATER,
    RULING,
    USER,
    after,
    answer,
    decide,
    hit,
    judge,
    screening,
)

EXACT = hit(strength=Strength.EXACT)
NEWER = "US-CSL/2/b"


OWNER = Subject(
    "owner", ("Example Holding 1 Ltd",), owns=(Stake("end-user", ShareRange(60.0, 60.0)),)
)


def owned(*hits: model.Hit) -> ScreenedApplication:
    """An application whose end user is held by an owner with these hits."""
    return after(
        None, CompleteScreening(screening(answer(*hits), answer(), subjects=(OWNER, USER)))
    )


def results(ownership: OwnershipAssessment | None) -> list[tuple[str, OwnershipCause]]:
    assert ownership is not None
    return [(finding.rule_id, finding.cause) for finding in ownership.findings]


def test_a_screening_says_who_owns_whom_by_the_rules_of_its_day() -> None:
    said = owned(EXACT).latest.ownership

    assert results(said) == [("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED)]
    assert said is not None
    assert (said.rules_version, said.assessed_on) == (RULING.version, "2026-11-24")
    assert said.findings[0].most_restrictive_owner_id == "owner"


def test_an_owner_found_not_to_be_the_entry_leaves_nothing_against_the_party() -> None:
    application = owned(hit())
    (event,) = decide(application, judge(application, FALSE))  # type: ignore[misc]  # never a refusal

    assert results(application.latest.ownership) == [
        ("us-bis-affiliates", OwnershipCause.MAY_REACH_THRESHOLD)
    ]
    assert isinstance(event, HitAdjudicated)
    assert results(event.ownership) == []


def test_an_owner_found_to_be_the_entry_makes_the_party_count_as_listed() -> None:
    application = owned(hit(strength=Strength.WEAK))
    (event,) = decide(application, judge(application, CONFIRMED))  # type: ignore[misc]  # never a refusal

    assert isinstance(event, HitAdjudicated)
    assert results(event.ownership) == [("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED)]


def test_a_list_that_names_an_owner_later_is_told_with_what_it_makes_of_the_owned() -> None:
    newer = screening(
        answer(EXACT, version=NEWER), answer(), screening_id=LATER, subjects=(OWNER, USER)
    )

    decided = decide(owned(), Rescreen(newer, {"EL-1"}))

    assert isinstance(decided, tuple)
    completed, listed = decided
    assert isinstance(completed, ScreeningCompleted)
    assert isinstance(listed, PartyListed)
    assert listed.party_id == "owner"
    assert listed.ownership == completed.ownership
    assert results(listed.ownership) == [("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED)]


def test_a_confirmed_owner_stays_confirmed_when_another_list_changes() -> None:
    weak = hit(strength=Strength.WEAK)
    confirmed = after(owned(weak), judge(owned(weak), CONFIRMED))
    newer = screening(
        answer(weak, hit("SDN-2", Strength.WEAK)),
        answer(),
        screening_id=LATER,
        subjects=(OWNER, USER),
    )

    changed = after(confirmed, Rescreen(newer, {"SDN-2"}))

    assert ("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED) in results(
        changed.latest.ownership
    )


def test_of_a_screening_from_before_owners_were_kept_nothing_is_said_of_them() -> None:
    older = evolve(
        None, replace(screening(answer(hit()), answer(), subjects=(OWNER, USER)), ownership=None)
    )
    newer = screening(
        answer(hit(), EXACT, hit("SDN-2")), answer(), screening_id=LATER, subjects=(OWNER, USER)
    )

    (judged,) = decide(older, judge(older, FALSE))  # type: ignore[misc]  # never a refusal
    told = decide(older, Rescreen(newer, {"SDN-2"}))

    assert isinstance(judged, HitAdjudicated)
    assert judged.ownership is None
    assert isinstance(told, tuple)
    assert [getattr(each, "ownership", None) for each in told] == [None, None]
