"""The lifecycle of a hit, and what its parts say together."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.core.commands import (
    AdjudicateHit,
    Command,
    ConfirmClearing,
    Officer,
    RejectClearing,
    WithdrawVerdict,
)
from services.screening.core.errors import Reason
from services.screening.core.events import (
    Event,
    HitAdjudicated,
    HitClearingProposed,
    HitClearingRejected,
    ScreeningCompleted,
    VerdictWithdrawn,
)
from services.screening.core.identity import content_digest, hit_id_of
from services.screening.core.lifecycle import (
    HIT_TRANSITIONS,
    ImpossibleEvent,
    allowed_commands,
    next_hit_state,
    wrong_state,
)
from services.screening.core.records import HitState, HitVerdict

APPLICATION = UUID(int=1)
HIT_EVENTS = (
    ScreeningCompleted,
    HitClearingProposed,
    HitClearingRejected,
    HitAdjudicated,
    VerdictWithdrawn,
)
CELLS = [(state, kind, target) for state in HitState for kind in HIT_EVENTS for target in HitState]
PRESENT = [cell for cell in CELLS if cell[2] in HIT_TRANSITIONS[cell[0]].get(cell[1], ())]
MISSING = [cell for cell in CELLS if cell not in PRESENT]
COMMANDS = {
    kind: kind(Officer("licensing-1", None), UUID(int=2), argument, "long enough a rationale")
    for kind, argument in (
        (AdjudicateHit, HitVerdict.CONFIRMED),
        (ConfirmClearing, UUID(int=3)),
        (RejectClearing, UUID(int=3)),
        (WithdrawVerdict, UUID(int=3)),
    )
}


def event_of(kind: type[Event]) -> Event:
    """An event of this kind. The table looks at its class only."""
    return kind(*(None for _ in dataclasses.fields(kind)))


def test_every_state_has_a_row() -> None:
    assert set(HIT_TRANSITIONS) == set(HitState)


@pytest.mark.parametrize(("state", "kind", "target"), PRESENT)
def test_a_listed_event_leads_where_the_table_says(
    state: HitState, kind: type[Event], target: HitState
) -> None:
    assert next_hit_state(state, event_of(kind), target) is target


@pytest.mark.parametrize(("state", "kind", "target"), MISSING)
def test_an_event_that_the_table_does_not_list_is_impossible(
    state: HitState, kind: type[Event], target: HitState
) -> None:
    with pytest.raises(ImpossibleEvent):
        next_hit_state(state, event_of(kind), target)


@pytest.mark.parametrize("state", HitState)
@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_a_command_that_does_not_fit_is_refused_with_what_is_allowed(
    state: HitState, kind: type[Command]
) -> None:
    refusal = wrong_state(state, COMMANDS[kind])

    assert refusal.reason is Reason.WRONG_STATE
    assert refusal.metadata == {
        "state": state,
        "command": kind.__name__,
        "allowedCommands": ",".join(allowed_commands(state)),
    }


def test_the_commands_of_a_hit_are_offered_by_its_state() -> None:
    assert {state: allowed_commands(state) for state in HitState} == {
        HitState.OPEN: ("AdjudicateHit",),
        HitState.CLEARING_PROPOSED: ("AdjudicateHit", "ConfirmClearing", "RejectClearing"),
        HitState.FALSE_POSITIVE: ("WithdrawVerdict",),
        HitState.CONFIRMED: ("WithdrawVerdict",),
        HitState.SUPERSEDED: (),
    }


def test_what_is_decided_changes_by_a_withdrawal_only() -> None:
    decided = (HitState.FALSE_POSITIVE, HitState.CONFIRMED, HitState.SUPERSEDED)

    assert [set(HIT_TRANSITIONS[state]) for state in decided] == [
        {VerdictWithdrawn},
        {VerdictWithdrawn},
        set(),
    ]


def test_a_change_of_party_or_entry_makes_another_hit() -> None:
    same = hit_id_of(APPLICATION, "end-user", "EL-1", "party", "entry")

    assert hit_id_of(APPLICATION, "end-user", "EL-1", "party", "entry") == same
    assert hit_id_of(APPLICATION, "end-user", "EL-1", "party, renamed", "entry") != same
    assert hit_id_of(APPLICATION, "end-user", "EL-1", "party", "entry, changed") != same


texts = st.lists(st.text(alphabet="ab ;,", max_size=4), max_size=3)


@given(texts, texts, texts, texts)
def test_two_parties_that_differ_never_share_a_digest(
    a: list[str], b: list[str], c: list[str], d: list[str]
) -> None:
    one, other = (
        content_digest((("names", a), ("countries", b))),
        content_digest((("names", c), ("countries", d))),
    )

    # No name and one blank name say the same.
    assert (one == other) == ((a or [""], b or [""]) == (c or [""], d or [""]))
