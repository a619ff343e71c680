"""The state of an application at screening, walked through the lifecycle table."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from services.screening.core import events
from services.screening.core.commands import (
    EndMonitoring,
    MonitorLicense,
    Rescreen,
)
from services.screening.core.events import (
    HitClearingProposed,
    HitClearingRejected,
    LicenseMonitored,
    MonitoringEnded,
)
from services.screening.core.evolve import evolve
from services.screening.core.lifecycle import (
    TRANSITIONS,
    ImpossibleEvent,
    ScreenedState,
)
from services.screening.core.model import Strength
from tests.screening.core.hits import (
    APPLICATION,
    CONFIRMED,
    FALSE,
    FIRST,
    LATER,
    LICENSE,
    after,
    answer,
    decide,
    hit,
    judge,
    reject,
    screened,
    screening,
    withdraw,
)

EXACT = hit(strength=Strength.EXACT)
DECIDED = after(screened(EXACT), judge(screened(EXACT), CONFIRMED))
PROPOSED = after(screened(EXACT), judge(screened(EXACT), FALSE))


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == {None, *ScreenedState}


IN = {
    None: None,
    ScreenedState.SCREENED: screened(EXACT),
    ScreenedState.LICENSED: after(screened(EXACT), MonitorLicense(LICENSE, FIRST)),
    ScreenedState.CLOSED: after(screened(EXACT), EndMonitoring("ApplicationDenied")),
}


def event_of(kind: type) -> events.Event:
    application = screened(EXACT)
    (proposed,) = decide(application, judge(application, FALSE))  # type: ignore[misc]  # never a refusal
    (rejected,) = decide(PROPOSED, reject(PROPOSED, "licensing-2"))  # type: ignore[misc]  # same
    (confirmed,) = decide(application, judge(application, CONFIRMED))  # type: ignore[misc]  # same
    (_, listed) = decide(
        screened(), Rescreen(screening(answer(EXACT), screening_id=LATER), {"EL-1"})
    )  # type: ignore[misc]  # same
    found = {
        type(event): event
        for event in (proposed, rejected, confirmed, listed, screening(answer(EXACT)))
    }
    found[LicenseMonitored] = LicenseMonitored(APPLICATION, LICENSE)
    found[MonitoringEnded] = MonitoringEnded(APPLICATION, "ApplicationDenied")
    _, found[events.VerdictWithdrawn] = decide(DECIDED, withdraw(DECIDED))  # type: ignore[misc]  # same
    assert HitClearingProposed in found
    return found[kind]


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", [None, *ScreenedState])
def test_each_cell_of_the_table_is_walked_and_each_missing_one_is_impossible(
    state: ScreenedState | None, kind: type
) -> None:
    application = IN[state]
    if application is not None and kind is HitClearingRejected:
        application = replace(application, hits=PROPOSED.hits)
    if application is not None and kind is events.VerdictWithdrawn:
        application = replace(application, hits=DECIDED.hits)
    expected = TRANSITIONS[state].get(kind)
    if expected is None:
        with pytest.raises(ImpossibleEvent):
            evolve(application, event_of(kind))
    else:
        assert evolve(application, event_of(kind)).state is expected
