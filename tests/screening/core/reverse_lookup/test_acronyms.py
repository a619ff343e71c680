"""Acronyms of parts of names, and abbreviated parts of names."""

import re

import pytest

from services.screening.core.reverse_lookup.acronyms import (
    abbreviates_part,
    beginnings_pattern,
    part_acronyms,
)


def test_part_acronyms_leave_at_least_one_word() -> None:
    assert set(part_acronyms(["amin", "investment", "bank"])) == {"ai", "ab", "ib"}
    assert list(part_acronyms(["amin", "bank"])) == []


def test_in_a_long_name_only_consecutive_words_are_abbreviated() -> None:
    words = ["alfa", "beta", "gamma", "delta", "epsilon", "zeta"]

    assert "bg" in set(part_acronyms(words))
    assert "ag" not in set(part_acronyms(words))


@pytest.mark.parametrize(
    ("letters", "matches"), [("zisco", True), ("zico", False), ("isco", False)]
)
def test_a_pattern_matches_the_beginnings_of_words_of_which_some_are_optional(
    letters: str, matches: bool
) -> None:
    words = ["zimbabwe", "iron", "steel", "company"]

    assert bool(re.fullmatch(beginnings_pattern(words, {"company"}), letters)) is matches


def test_a_word_abbreviates_the_words_that_have_no_counterpart() -> None:
    assert abbreviates_part(["amin", "ib"], ["amin", "investment", "bank"])
    assert not abbreviates_part(["amin", "ix"], ["amin", "investment", "bank"])
    assert not abbreviates_part(["ib"], ["investment", "bank"])
