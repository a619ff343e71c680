"""The alignment of the words of two names."""

from hypothesis import given
from hypothesis import strategies as st

from services.screening.core.names.token_alignment import Aligner, WordPair
from services.screening.core.names.word_similarity import unvowelled_similarity
from services.screening.core.names.word_weights import WordWeights

WORDS = st.one_of(
    st.text("abdhijklmnosuy1", min_size=1, max_size=8),
    st.sampled_from(
        [
            "larry",
            "lawrence",
            "mohammed",
            "muhammad",
            "trading",
            "ltd",
            "a",
            "7",
            "industries",
            "sanat",
        ]
    ),
)
NAMES = st.lists(WORDS, max_size=5).map(tuple)


@given(NAMES, st.lists(NAMES, max_size=8))
def test_precomputed_similarities_change_no_result(
    queried: tuple[str, ...], listed: list[tuple[str, ...]]
) -> None:
    weights = WordWeights(listed)
    plain, precomputed = Aligner(queried, weights), Aligner(queried, weights)
    precomputed.precompute(listed)

    assert [precomputed.estimate_coverage(name) for name in listed] == [
        plain.estimate_coverage(name) for name in listed
    ]
    assert [precomputed.align(name) for name in listed] == [plain.align(name) for name in listed]


@given(NAMES, NAMES)
def test_the_estimated_coverage_is_above_zero_if_words_are_paired(
    queried: tuple[str, ...], listed: tuple[str, ...]
) -> None:
    aligner = Aligner(queried, WordWeights([listed]))
    pairs = [pair for pair in aligner.align(listed).pairs if " " not in pair.queried + pair.listed]

    assert 0.0 <= aligner.estimate_coverage(listed) <= 1.0 + 1e-9
    assert bool(pairs) <= (aligner.estimate_coverage(listed) > 0.0)


def test_a_name_covers_itself_in_any_order() -> None:
    aligner = Aligner(("salim", "abdelkader"), WordWeights([]))

    assert aligner.estimate_coverage(("abdelkader", "salim")) == 1.0


def test_unvowelled_words_are_compared_by_their_own_function_even_if_precomputed() -> None:
    listed = [("yusuf", "dhakir"), ("zakir",)]
    plain, precomputed = (
        Aligner(("ywsf", "dhakr"), WordWeights(listed), unvowelled_similarity) for _ in range(2)
    )
    precomputed.precompute(listed)

    assert [precomputed.align(name) for name in listed] == [plain.align(name) for name in listed]


def test_one_word_is_paired_with_two_neighbouring_words() -> None:
    alignment = Aligner(("abdelkader", "salim"), WordWeights([])).align(("abdel", "kader", "salim"))

    assert ("abdelkader", "abdel kader") in [
        (pair.queried, pair.listed) for pair in alignment.pairs
    ]
    assert not alignment.queried_unpaired
    assert not alignment.listed_unpaired


def test_a_word_that_is_similar_to_one_of_two_words_is_still_paired_with_both() -> None:
    alignment = Aligner(("bellhuawei", "technologies"), WordWeights([])).align(
        ("bel", "huawei", "technologies")
    )

    assert ("bellhuawei", "bel huawei") in [(pair.queried, pair.listed) for pair in alignment.pairs]
    assert not alignment.listed_unpaired


def test_a_pair_has_a_similarity_and_a_weight() -> None:
    (pair,) = Aligner(("yousef",), WordWeights([])).align(("yusuf",)).pairs

    assert pair == WordPair("yousef", "yusuf", pair.similarity, 1.0)
    assert 0.8 < pair.similarity < 1.0
