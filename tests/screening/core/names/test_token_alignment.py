"""Words of two names side by side: the same comes of many names at once as of one after the other."""

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
def test_words_learned_at_once_are_compared_as_if_met_one_by_one(
    queried: tuple[str, ...], listed: list[tuple[str, ...]]
) -> None:
    weights = WordWeights(listed)
    one_by_one, at_once = Aligner(queried, weights), Aligner(queried, weights)
    at_once.precompute(listed)
    assert [at_once.estimate_coverage(name) for name in listed] == [
        one_by_one.estimate_coverage(name) for name in listed
    ]
    assert [at_once.align(name) for name in listed] == [one_by_one.align(name) for name in listed]


@given(NAMES, NAMES)
def test_what_is_paired_can_be_reached(queried: tuple[str, ...], listed: tuple[str, ...]) -> None:
    aligner = Aligner(queried, WordWeights([listed]))
    pairs = [pair for pair in aligner.align(listed).pairs if " " not in pair.queried + pair.listed]
    assert 0.0 <= aligner.estimate_coverage(listed) <= 1.0 + 1e-9
    assert bool(pairs) <= (aligner.estimate_coverage(listed) > 0.0)


def test_a_name_reaches_all_of_itself_in_any_order() -> None:
    assert (
        Aligner(("salim", "abdelkader"), WordWeights([])).estimate_coverage(("abdelkader", "salim"))
        == 1.0
    )


def test_words_without_vowels_are_compared_in_their_own_way_whatever_was_learned() -> None:
    listed = [("yusuf", "dhakir"), ("zakir",)]
    plain, learned = (
        Aligner(("ywsf", "dhakr"), WordWeights(listed), unvowelled_similarity) for _ in range(2)
    )
    learned.precompute(listed)
    assert [learned.align(name) for name in listed] == [plain.align(name) for name in listed]


def test_a_word_written_apart_is_paired_with_both_its_parts() -> None:
    aligned = Aligner(("abdelkader", "salim"), WordWeights([])).align(("abdel", "kader", "salim"))
    assert ("abdelkader", "abdel kader") in [(pair.queried, pair.listed) for pair in aligned.pairs]
    assert not aligned.queried_unpaired
    assert not aligned.listed_unpaired


def test_a_word_that_resembles_one_part_of_itself_is_still_paired_with_both() -> None:
    aligned = Aligner(("bellhuawei", "technologies"), WordWeights([])).align(
        ("bel", "huawei", "technologies")
    )
    assert ("bellhuawei", "bel huawei") in [(pair.queried, pair.listed) for pair in aligned.pairs]
    assert not aligned.listed_unpaired


def test_a_general_word_says_little_however_rare_unless_persons_are_called_so() -> None:
    names = [("sanat", "omid"), ("zavod", "omid")]
    assert WordWeights(names, frozenset())["sanat"] < WordWeights(names)["sanat"]
    assert WordWeights(names, frozenset({"sanat"}))["sanat"] == WordWeights(names)["sanat"]


def test_an_unknown_word_weighs_like_the_rarest_and_is_not_kept() -> None:
    weights = WordWeights([("khan",), ("khan", "ali"), ("ali",), ("ali",)])
    assert weights["ali"] < weights["khan"] < weights["zarathustra"] == 1.0
    assert "zarathustra" not in weights


def test_a_pair_is_told_with_its_likeness_and_weight() -> None:
    (pair,) = Aligner(("yousef",), WordWeights([])).align(("yusuf",)).pairs
    assert pair == WordPair("yousef", "yusuf", pair.similarity, 1.0)
    assert 0.8 < pair.similarity < 1.0
