"""Breadth-first search of all states within the bounds, so that a counterexample is shortest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.model.assumptions import ALL, Assumption
from tests.model.protocol import Protocol
from tests.model.reduction import cut_off, reduced
from tests.model.state import Bounds, State, Step, initial, violated


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a search. `trace` is the shortest counterexample, None if the bound holds."""

    bounds: Bounds
    states: int
    depth: int
    seconds: float
    trace: tuple[tuple[Step, State], ...] | None


def search(
    bounds: Bounds,
    assumptions: frozenset[Assumption] = ALL,
    *,
    report: Callable[[int, int], None] = lambda depth, states: None,
) -> Result:
    """Explores all states; stops at the first one in which a gate breaks the bound.

    `report` is called after each level of the search with its depth and the number of states.
    """
    began = time.process_time()
    canonical = (
        (lambda s: reduced(s, bounds))
        if assumptions == ALL
        else (lambda s: cut_off(s, bounds, ALL - assumptions))
    )
    protocol = Protocol(bounds, assumptions)
    first = canonical(initial(bounds))
    came_from: dict[State, tuple[State, Step] | None] = {first: None}
    level, depth = [first], 0
    while level:
        following = []
        for state in level:
            for step, after in protocol.steps(state):
                reached = canonical(after)
                if reached in came_from:
                    continue
                came_from[reached] = (state, step)
                if violated(reached, bounds):
                    trace = _trace(came_from, reached)
                    seconds = time.process_time() - began
                    return Result(bounds, len(came_from), depth + 1, seconds, trace)
                following.append(reached)
        level, depth = following, depth + 1
        report(depth, len(came_from))
    return Result(bounds, len(came_from), depth - 1, time.process_time() - began, None)


def _trace(
    came_from: dict[State, tuple[State, Step] | None], state: State
) -> tuple[tuple[Step, State], ...]:
    steps = []
    while (before := came_from[state]) is not None:
        steps.append((before[1], state))
        state = before[0]
    return tuple(reversed(steps))


def replay(bounds: Bounds, off: Assumption, steps: Iterable[Step]) -> bool:
    """Returns whether these steps break the bound in the model without any reduction."""
    protocol, states = Protocol(bounds, ALL - {off}), {initial(bounds)}
    for step in steps:
        states = {
            after for state in states for taken, after in protocol.steps(state) if taken == step
        }
    return any(violated(state, bounds) is not None for state in states)
