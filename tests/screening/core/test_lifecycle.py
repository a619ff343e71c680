"""The lifecycle of a hit, and what its parts say together."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.core.errors import Reason, Refusal
from services.screening.core.identity import content_digest, hit_id_of
from services.screening.core.lifecycle import (
    HIT_TRANSITIONS,
    HitStep,
    ImpossibleEvent,
    next_hit_state,
    wrong_state,
)
from services.screening.core.records import HitState

APPLICATION = UUID(int=1)
CELLS = [(state, step) for state in HitState for step in HitStep]
MISSING = [(state, step) for state, step in CELLS if step not in HIT_TRANSITIONS[state]]
PRESENT = [(state, step) for state, step in CELLS if step in HIT_TRANSITIONS[state]]


def test_every_state_has_a_row() -> None:
    assert set(HIT_TRANSITIONS) == set(HitState)


@pytest.mark.parametrize(("state", "step"), PRESENT)
def test_a_listed_step_leads_where_the_table_says(state: HitState, step: HitStep) -> None:
    assert next_hit_state(state, step) is HIT_TRANSITIONS[state][step]
    assert wrong_state(state, step) is None


@pytest.mark.parametrize(("state", "step"), MISSING)
def test_a_step_that_the_table_does_not_list_is_refused_with_what_is_allowed(
    state: HitState, step: HitStep
) -> None:
    refusal = wrong_state(state, step)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.WRONG_STATE
    assert refusal.metadata == {
        "state": state,
        "command": step,
        "allowedCommands": ",".join(HIT_TRANSITIONS[state]),
    }
    with pytest.raises(ImpossibleEvent):
        next_hit_state(state, step)


def test_what_is_decided_is_final() -> None:
    decided = (HitState.FALSE_POSITIVE, HitState.CONFIRMED, HitState.SUPERSEDED)

    assert [HIT_TRANSITIONS[state] for state in decided] == [{}, {}, {}]


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
