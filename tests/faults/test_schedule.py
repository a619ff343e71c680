"""A schedule holds every kind of fault, stays within its time and is deterministic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.scenario_load import Kind, mixed
from tests.faults.schedule import AT_THE_END, HOLD_S, Fault, schedule, targets

SEEDS = st.integers(min_value=0, max_value=2**32)


@given(seed=SEEDS, seconds=st.floats(min_value=30, max_value=600), nodes=st.sampled_from((1, 3)))
def test_every_kind_of_fault_is_injected_at_least_once_and_within_the_time(
    seed: int, seconds: float, nodes: int
) -> None:
    strokes = schedule(seed, seconds, nodes)

    assert {injection.fault for injection in strokes} == set(Fault) - AT_THE_END
    assert all(0 <= injection.at_s <= seconds for injection in strokes)
    assert list(strokes) == sorted(strokes)


@given(seed=SEEDS, nodes=st.sampled_from((1, 3)))
def test_the_same_seed_gives_the_same_injections(seed: int, nodes: int) -> None:
    assert schedule(seed, 60, nodes) == schedule(seed, 60, nodes)


def test_another_seed_gives_other_injections() -> None:
    assert schedule(1, 60, 1) != schedule(2, 60, 1)


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_long_schedule_hits_every_target_of_every_fault(nodes: int) -> None:
    struck = {
        (injection.fault, injection.target.split("-")[0].split()[0] if injection.target else "")
        for injection in schedule(1, 200, nodes)
    }

    assert struck == {
        (fault, target) for fault in set(Fault) - AT_THE_END for target in targets(fault, nodes)
    }


@given(seed=SEEDS)
def test_only_a_fault_that_lasts_is_held_and_within_its_limits(seed: int) -> None:
    for injection in schedule(seed, 100, 3):
        least, most = HOLD_S.get(injection.fault, (0.0, 0.0))
        assert least <= injection.hold_s <= most


@given(seed=SEEDS, applications=st.integers(min_value=len(Kind), max_value=500))
def test_scenarios_of_every_kind_occur_equally_often(seed: int, applications: int) -> None:
    kinds = mixed(seed, applications)

    counts = [kinds.count(kind) for kind in Kind]
    assert len(kinds) == applications
    assert max(counts) - min(counts) <= 1
