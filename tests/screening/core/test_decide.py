"""What follows from a submission that was screened."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from services.screening.core.commands import (
    CompleteScreening,
)
from services.screening.core.events import (
    ScreeningCompleted,
)
from services.screening.core.evolve import evolve
from services.screening.core.records import (
    PartyScreening,
    ScreeningResult,
)
from tests.screening.core.hits import (
    decide,
)

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


def test_a_first_screening_is_recorded() -> None:
    assert decide(None, CompleteScreening(COMPLETED)) == (COMPLETED,)


def test_the_same_submission_screened_again_changes_nothing_even_when_the_answer_differs() -> None:
    application = evolve(None, COMPLETED)

    assert decide(application, CompleteScreening(replace(COMPLETED, parties=()))) == ()


def test_a_later_submission_is_recorded_and_is_the_latest() -> None:
    application = evolve(None, COMPLETED)

    assert decide(application, CompleteScreening(LATER)) == (LATER,)
    assert (evolve(application, LATER).latest, evolve(application, LATER).version) == (LATER, 2)
