"""The name score is monotone in its features, whatever was fitted."""

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
INCREASING = sorted(set(SimilarityFeatures._fields) - DECREASING - UNCONSTRAINED)
SCORE = DEFAULT.name_score


def values(field: str) -> st.SearchStrategy[float]:
    if field in COUNTS:
        return st.integers(0, 9).map(float)
    return (
        st.sampled_from([0.0, 1.0])
        if field == "is_person"
        else st.floats(0, 2 if field in DECREASING else 1)
    )


feature_sets = st.builds(
    SimilarityFeatures, **{field: values(field) for field in SimilarityFeatures._fields}
)


@given(feature_sets, st.sampled_from(INCREASING), st.floats(0, 1))
def test_a_more_similar_name_never_scores_lower(
    names: SimilarityFeatures, field: str, more: float
) -> None:
    before, after = SCORE.log_odds([names, names._replace(**{field: getattr(names, field) + more})])

    assert after >= before or isclose(after, before)


@given(feature_sets, st.sampled_from(sorted(DECREASING)), st.floats(0, 2))
def test_a_name_with_more_differences_never_scores_higher(
    names: SimilarityFeatures, field: str, more: float
) -> None:
    before, after = SCORE.log_odds([names, names._replace(**{field: getattr(names, field) + more})])

    assert after <= before or isclose(after, before)


@given(feature_sets)
def test_every_tree_is_walked_from_its_root_to_one_leaf(names: SimilarityFeatures) -> None:
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


@given(st.lists(feature_sets, max_size=5))
def test_names_score_together_as_each_alone(names: list[SimilarityFeatures]) -> None:
    assert SCORE.log_odds(names) == [pytest.approx(SCORE.log_odds([each])[0]) for each in names]


def test_a_score_with_an_unknown_feature_is_rejected() -> None:
    split = ["taste", 0.5]
    tree = {"splits": [split] * SPLITS, "leaves": [0.0] * 2**DEPTH}

    with pytest.raises(ValueError, match="unknown features: taste"):
        NameScore.of({"version": "none", "base": 0.0, "trees": [tree]})


def test_a_score_without_trees_is_its_base() -> None:
    score = NameScore("none", -1.0, (), (), ())

    assert score.log_odds([SimilarityFeatures(*[1.0] * len(SimilarityFeatures._fields))]) == [-1.0]
