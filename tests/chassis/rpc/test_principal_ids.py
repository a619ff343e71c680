from __future__ import annotations

import re

import pytest

from chassis.rpc.principal_ids import SEGMENT, confusable_pairs, skeleton


@pytest.mark.parametrize("other", ["licensing-1.", "licensing_1", "1icensing-1", "licensing1"])
def test_an_id_that_a_reader_takes_for_another_has_its_skeleton(other: str) -> None:
    assert skeleton("licensing-1") == skeleton(other)


@pytest.mark.parametrize("other", ["licensing-2", "licensing-11", "licensings-1", "lists-1"])
def test_an_id_that_differs_visibly_has_another_skeleton(other: str) -> None:
    assert skeleton("licensing-1") != skeleton(other)


def test_two_ids_are_named_by_their_places() -> None:
    assert confusable_pairs(["a-1", "b-1", "a_1", "b-1"]) == ((0, 2), (1, 3))


@pytest.mark.parametrize("given", ["Example-1", "example-I", "", "-a", "a/b", "a\n", "é"])
def test_the_pattern_of_an_id_is_lower_case(given: str) -> None:
    assert re.fullmatch(SEGMENT, given) is None
