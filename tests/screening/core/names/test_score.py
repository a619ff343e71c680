"""The name score: monotone in what is alike, whatever was fitted."""

from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.core.config import DEFAULT
from services.screening.core.names.score import DEPTH, SPLITS, NameScore
from services.screening.core.names.similarity_features import (
    DECREASING,
    UNCONSTRAINED,
    SimilarityFeatures,
)

COUNTS = {
    "queried_unpaired_words",
    "listed_unpaired_words",
    "initials",
    "queried_words",
    "listed_words",
}
RISING = sorted(set(SimilarityFeatures._fields) - DECREASING - UNCONSTRAINED)
SCORE = DEFAULT.name_score


def values(field: str) -> st.SearchStrategy[float]:
    if field in COUNTS:
        return st.integers(0, 9).map(float)
    return (
        st.sampled_from([0.0, 1.0])
        if field == "is_person"
        else st.floats(0, 2 if field in DECREASING else 1)
    )


likenesses = st.builds(
    SimilarityFeatures, **{field: values(field) for field in SimilarityFeatures._fields}
)


@given(likenesses, st.sampled_from(RISING), st.floats(0, 1))
def test_a_name_that_is_more_alike_never_scores_lower(
    names: SimilarityFeatures, field: str, more: float
) -> None:
    before, after = SCORE.log_odds([names, names._replace(**{field: getattr(names, field) + more})])

    assert after >= before or isclose(after, before)


@given(likenesses, st.sampled_from(sorted(DECREASING)), st.floats(0, 2))
def test_a_name_with_more_left_over_never_scores_higher(
    names: SimilarityFeatures, field: str, more: float
) -> None:
    before, after = SCORE.log_odds([names, names._replace(**{field: getattr(names, field) + more})])

    assert after <= before or isclose(after, before)


@given(likenesses)
def test_every_tree_is_walked_from_its_first_question_to_one_end(names: SimilarityFeatures) -> None:
    features, thresholds = (
        np.array(each).reshape(-1, SPLITS) for each in (SCORE.features, SCORE.thresholds)
    )
    expected = SCORE.base
    for tree, leaves in enumerate(SCORE.leaves):
        place = 0
        for _ in range(DEPTH):
            place = 2 * place + (2 if names[features[tree, place]] > thresholds[tree, place] else 1)
        expected += leaves[place - SPLITS]

    assert SCORE.log_odds([names]) == [pytest.approx(expected)]


@given(st.lists(likenesses, max_size=5))
def test_names_score_together_as_each_by_itself(names: list[SimilarityFeatures]) -> None:
    assert SCORE.log_odds(names) == [pytest.approx(SCORE.log_odds([each])[0]) for each in names]


def test_a_score_that_asks_about_an_unknown_likeness_is_refused() -> None:
    split = ["taste", 0.5]
    tree = {"splits": [split] * SPLITS, "leaves": [0.0] * 2**DEPTH}

    with pytest.raises(ValueError, match="unknown features: taste"):
        NameScore.of({"version": "none", "base": 0.0, "trees": [tree]})


def test_a_score_without_trees_is_its_base() -> None:
    score = NameScore("none", -1.0, (), (), ())

    assert score.log_odds([SimilarityFeatures(*[1.0] * len(SimilarityFeatures._fields))]) == [-1.0]
