"""What is kept of screenings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.screening.core import model
from services.screening.core.cases.recording import MOST_HITS, limit_hits, record_party
from services.screening.core.commands import CompleteScreening
from services.screening.core.events import ScreeningCompleted
from services.screening.core.evolve import evolve
from services.screening.core.lifecycle import APPLICATION_TRANSITIONS, ScreenedState
from services.screening.core.model import Effect, EvidenceKind, Flag, Reason, Result, Strength
from services.screening.core.records import HITS_OMITTED, PartyScreening, ScreeningResult
from tests.screening.core.hits import decide

CLEAR = PartyScreening("end-user", ScreeningResult.CLEAR, "", (), ())
COMPLETED = ScreeningCompleted(
    screening_id=UUID(int=1),
    application_id=UUID(int=2),
    partner_id="example-1",
    parties=(CLEAR,),
    list_version="US-CSL/2025-02/0",
    config_version="1",
    screened_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
)
LATER = replace(COMPLETED, screening_id=UUID(int=3))
HIT = model.Hit(
    entry_id="EL-1",
    list_code="EL",
    entry_hash="0",
    matched_name="x" * 50,
    queried_name="y" * 50,
    score=1.0,
    strength=Strength.EXACT,
    explanation=(model.Evidence(EvidenceKind.NAME_EXACT, Effect.SUPPORTS, "z" * 100),),
)


def answer(result: Result, hits: int = 0, **more: object) -> model.Screening:
    found = model.Screening(result, "US-CSL/2025-02/0", "1", 0.01, (HIT,) * hits)
    return replace(found, **more)  # type: ignore[arg-type]  # what no caller may give


def test_a_first_screening_is_recorded() -> None:
    assert decide(None, CompleteScreening(COMPLETED)) == (COMPLETED,)


def test_the_same_submission_screened_again_changes_nothing_even_when_the_answer_differs() -> None:
    application = evolve(None, COMPLETED)

    assert decide(application, CompleteScreening(replace(COMPLETED, parties=()))) == ()


def test_a_later_submission_is_recorded_and_is_the_latest() -> None:
    application = evolve(None, COMPLETED)

    assert decide(application, CompleteScreening(LATER)) == (LATER,)
    assert (evolve(application, LATER).latest, evolve(application, LATER).version) == (LATER, 2)


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(APPLICATION_TRANSITIONS) == {None, *ScreenedState}


@pytest.mark.parametrize("result", list(Result))
def test_every_answer_of_the_engine_can_be_recorded(result: Result) -> None:
    assert record_party("end-user", answer(result)).result == result.value


def test_the_first_reason_explains_undetermined_and_the_others_are_flags() -> None:
    kept = record_party(
        "end-user",
        answer(
            Result.UNDETERMINED,
            reasons=(Reason.NAME_TOO_LONG, Reason.NAME_UNREADABLE),
            flags=(Flag.MIXED_SCRIPT,),
        ),
    )

    assert kept.undetermined_reason == "NAME_TOO_LONG"
    assert kept.flags == ("MIXED_SCRIPT", "NAME_UNREADABLE")


def test_a_name_that_was_not_judged_is_flagged_beside_a_match() -> None:
    kept = record_party(
        "end-user", answer(Result.POSSIBLE_MATCH, 1, reasons=(Reason.NAME_TOO_LONG,))
    )

    assert (kept.undetermined_reason, kept.flags) == ("", ("NAME_TOO_LONG",))


def test_hits_that_fit_are_all_kept() -> None:
    party = record_party("end-user", answer(Result.POSSIBLE_MATCH, 3))

    assert limit_hits((party, CLEAR)) == (party, CLEAR)


def test_of_many_hits_the_best_are_kept_and_the_rest_is_owned_up_to() -> None:
    (party,) = limit_hits((record_party("end-user", answer(Result.POSSIBLE_MATCH, MOST_HITS + 1)),))

    assert len(party.hits) == MOST_HITS
    assert party.flags == (HITS_OMITTED,)


def test_a_party_keeps_a_hit_however_little_room_there_is() -> None:
    party = record_party("end-user", answer(Result.POSSIBLE_MATCH, 5))

    kept = limit_hits((party, party), most_bytes=2 * 450)

    assert [len(each.hits) for each in kept] == [2, 2]
    assert [len(each.hits) for each in limit_hits((party,), most_bytes=0)] == [1]
