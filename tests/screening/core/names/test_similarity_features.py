"""The features of two names."""

import pytest

from services.screening.core.names.similarity_features import (
    DECREASING,
    UNCONSTRAINED,
    ComparedName,
    SimilarityFeatures,
    features_of,
    is_generic,
    only_stop_words_agree,
)
from services.screening.core.names.token_alignment import Aligner, Alignment
from services.screening.core.names.word_weights import WordWeights

WEIGHTS = WordWeights([])


def aligned(queried: str, listed: str) -> Alignment:
    return Aligner(tuple(queried.split()), WEIGHTS).align(tuple(listed.split()))


def features(queried: str, listed: str) -> SimilarityFeatures:
    names = [
        ComparedName(name.replace(" ", ""), tuple(name.split()), " ".join(sorted(name.split())))
        for name in (queried, listed)
    ]
    return features_of(
        *names,
        aligned(queried, listed),
        WEIGHTS,
        token_set_ratio=1.0,
        skeleton_ratio=1.0,
        is_person=True,
        is_listed_person=True,
    )


def test_a_name_and_itself_have_no_difference() -> None:
    found = features("halis bektas", "halis bektas")

    assert all(getattr(found, name) == 0 for name in DECREASING)
    assert found.queried_coverage == found.listed_coverage == found.letter_ratio == 1.0


def test_an_unpaired_word_is_a_difference_of_its_own_side() -> None:
    found = features("halis bektas", "halis bektas zarathustra")

    assert (found.queried_unpaired_words, found.listed_unpaired_words) == (0, 1)
    assert found.listed_unpaired_weight == 1.0
    assert found.queried_coverage == 1.0 > found.listed_coverage


def test_an_initial_is_counted_and_does_not_make_the_least_similar_pair() -> None:
    found = features("h bektas", "halis bektas")

    assert found.initials == 1
    assert found.least_similar_pair == 1.0


def test_every_constraint_names_a_feature() -> None:
    assert set(SimilarityFeatures._fields) >= DECREASING | UNCONSTRAINED
    assert DECREASING.isdisjoint(UNCONSTRAINED)


@pytest.mark.parametrize("word", ["ltd", "zavod", "of", "shanghai", "bank"])
def test_words_of_the_vocabulary_places_and_stop_words_are_generic(word: str) -> None:
    assert is_generic(word)
    assert not is_generic("huawei")


def test_stop_words_carry_no_match_unless_they_are_the_whole_of_both_names() -> None:
    part = aligned("alfa trading group", "beta trading group")
    whole = aligned("trading group", "trading group")

    assert only_stop_words_agree(part, is_person=False)
    assert not only_stop_words_agree(whole, is_person=False)
