"""How much a word counts."""

from services.screening.core.names.word_weights import GENERIC_BOUND, INITIAL_WEIGHT, WordWeights


def test_a_generic_word_counts_little_even_if_it_is_rare_unless_persons_bear_it() -> None:
    names = [("sanat", "omid"), ("zavod", "omid")]

    assert WordWeights(names, frozenset())["sanat"] == GENERIC_BOUND < WordWeights(names)["sanat"]
    assert WordWeights(names, frozenset({"sanat"}))["sanat"] == WordWeights(names)["sanat"]


def test_an_unknown_word_weighs_as_much_as_the_rarest_and_is_not_stored() -> None:
    weights = WordWeights([("khan",), ("khan", "ali"), ("ali",), ("ali",)])

    assert weights["ali"] < weights["khan"] < weights["zarathustra"] == 1.0
    assert "zarathustra" not in weights


def test_stop_words_and_initials_weigh_little() -> None:
    weights = WordWeights([])

    assert weights["ltd"] < weights["al"] < weights["mr"] < weights["trading"] < 0.5
    assert weights["j"] == INITIAL_WEIGHT
