"""The bound holds in every state of the model, and each assumption of its proof is needed."""

from __future__ import annotations

import random

import pytest

from tests.model.assumptions import ALL, REDUNDANT, Assumption
from tests.model.counterexamples import BOUNDS
from tests.model.protocol import STEPS, Protocol
from tests.model.reduction import reduced
from tests.model.search import replay, search
from tests.model.state import Bounds, initial


def test_no_gate_allows_a_revoked_license_later_than_one_lease_after_the_order() -> None:
    result = search(Bounds())

    print(f"{result.bounds}: {result.states} states, {result.seconds:.1f} s")
    assert result.trace is None


@pytest.mark.parametrize("assumption", BOUNDS, ids=lambda each: each.name)
def test_without_an_assumption_the_bound_is_broken(assumption: Assumption) -> None:
    result = search(BOUNDS[assumption], ALL - {assumption})

    assert result.trace is not None
    steps = [step for step, _ in result.trace]
    print(f"{assumption.name}: {len(steps)} steps, {result.states} states, {result.seconds:.1f} s")
    assert replay(result.bounds, assumption, steps)
    assert {step.name for step in steps} <= STEPS.keys()


def test_every_assumption_has_a_search_or_is_redundant() -> None:
    assert BOUNDS.keys() | REDUNDANT == ALL


def test_every_step_has_its_counterpart_in_the_reduced_state() -> None:
    bounds, chance = Bounds(shards=2), random.Random(1)
    protocol = Protocol(bounds)
    for _ in range(30):
        state = initial(bounds)
        for _ in range(40):
            steps = [after for _, after in protocol.steps(state)]
            before = reduced(state, bounds)
            assert reduced(before, bounds) == before
            # A fault without an effect leaves one fault more.
            near = {before} | {reduced(after, bounds) for _, after in protocol.steps(before)}
            near = {each._replace(crashes_left=0) for each in near}
            missing = [
                after
                for after in steps
                if reduced(after, bounds)._replace(crashes_left=0) not in near
            ]
            assert missing == []
            state = chance.choice(steps)
