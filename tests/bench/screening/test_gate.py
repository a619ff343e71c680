"""The recall that must not be lost, on a small fixed set.

The floors are below the measured figures.
"""

from __future__ import annotations

import random

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.names.index import ListIndex
from tests.bench.screening.cases import INNOCENTS, SEED, Case, Family, drawn, half_of
from tests.bench.screening.retrieval import missed_strings, retrieval
from tests.bench.screening.systems import Engine, Scored

FLOORS = {
    Family.ALIAS: 0.87,
    Family.FIRM_ALIAS: 0.85,
    Family.ALTERED: 0.98,
    Family.ONE_SLIP: 0.97,
    Family.SLIPS: 0.94,
    Family.BY_EAR: 0.93,
}
CEILINGS = {Family.INNOCENT: 0.025, Family.INNOCENT_FIRM: 0.02}
Outcome = tuple[ListIndex, list[tuple[Case, Scored]]]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    entries, cases = drawn(None, 60)
    index = ListIndex.build(entries, "gate")
    return index, [(case, Engine(index).score(case)) for case in cases]


@pytest.mark.parametrize("family", list(FLOORS))
def test_listed_parties_are_found_under_names_that_the_list_does_not_have(
    outcome: Outcome, family: Family
) -> None:
    found = [score.own >= DEFAULT.threshold for case, score in outcome[1] if case.family is family]

    assert sum(found) / len(found) >= FLOORS[family]


@pytest.mark.parametrize("family", sorted(INNOCENTS))
def test_few_innocents_alert(outcome: Outcome, family: Family) -> None:
    alerts = [score.any >= DEFAULT.threshold for case, score in outcome[1] if case.family is family]

    assert sum(alerts) / len(alerts) <= CEILINGS[family]


def test_the_index_returns_what_an_exhaustive_comparison_finds(outcome: Outcome) -> None:
    index, scored = outcome
    cases = random.Random(SEED).sample(
        [case for case, _ in scored if case.family not in INNOCENTS], 60
    )

    figures = retrieval(index.entries, cases, 0)

    assert figures["candidates_expected"] > 60
    assert figures["candidate_recall"] >= 0.995


def test_published_names_are_found_whatever_kind_is_given(outcome: Outcome) -> None:
    index = outcome[0]
    published = [(entry.entry_id, name) for entry in index.entries for name in entry.names]
    rng = random.Random(SEED)

    assert missed_strings(index, rng.sample(published, 300), rng) == []


def test_a_party_is_always_in_the_same_half() -> None:
    assert half_of("SDN-36") is half_of("SDN-36")
    assert len({half_of(f"SDN-{number}") for number in range(50)}) == 2
