"""The name score: monotone in what is alike, whatever was fitted."""

from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.core.config import DEFAULT
from services.screening.core.names.score import DEPTH, QUESTIONS, NameScore
from services.screening.core.names.similarity_features import FALLING, FREE, Likeness

COUNTS = {"queried_words_left", "listed_words_left", "initials", "queried_words", "listed_words"}
RISING = sorted(set(Likeness._fields) - FALLING - FREE)
SCORE = DEFAULT.name_score


def values(field: str) -> st.SearchStrategy[float]:
    if field in COUNTS:
        return st.integers(0, 9).map(float)
    return (
        st.sampled_from([0.0, 1.0])
        if field == "is_person"
        else st.floats(0, 2 if field in FALLING else 1)
    )


likenesses = st.builds(Likeness, **{field: values(field) for field in Likeness._fields})


@given(likenesses, st.sampled_from(RISING), st.floats(0, 1))
def test_a_name_that_is_more_alike_never_scores_lower(
    names: Likeness, field: str, more: float
) -> None:
    before, after = SCORE.log_odds([names, names._replace(**{field: getattr(names, field) + more})])

    assert after >= before or isclose(after, before)


@given(likenesses, st.sampled_from(sorted(FALLING)), st.floats(0, 2))
def test_a_name_with_more_left_over_never_scores_higher(
    names: Likeness, field: str, more: float
) -> None:
    before, after = SCORE.log_odds([names, names._replace(**{field: getattr(names, field) + more})])

    assert after <= before or isclose(after, before)


@given(likenesses)
def test_every_tree_is_walked_from_its_first_question_to_one_end(names: Likeness) -> None:
    asked, limits = (np.array(each).reshape(-1, QUESTIONS) for each in (SCORE.asked, SCORE.limits))
    expected = SCORE.base
    for tree, ends in enumerate(SCORE.ends):
        place = 0
        for _ in range(DEPTH):
            place = 2 * place + (2 if names[asked[tree, place]] > limits[tree, place] else 1)
        expected += ends[place - QUESTIONS]

    assert SCORE.log_odds([names]) == [pytest.approx(expected)]


@given(st.lists(likenesses, max_size=5))
def test_names_score_together_as_each_by_itself(names: list[Likeness]) -> None:
    assert SCORE.log_odds(names) == [pytest.approx(SCORE.log_odds([each])[0]) for each in names]


def test_a_score_that_asks_about_an_unknown_likeness_is_refused() -> None:
    question = ["taste", 0.5]
    tree = {"questions": [question] * QUESTIONS, "ends": [0.0] * 2**DEPTH}

    with pytest.raises(ValueError, match="asks about taste"):
        NameScore.of({"version": "none", "base": 0.0, "trees": [tree]})


def test_a_score_without_trees_is_its_base() -> None:
    score = NameScore("none", -1.0, (), (), ())

    assert score.log_odds([Likeness(*[1.0] * len(Likeness._fields))]) == [-1.0]
