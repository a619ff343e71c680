"""Vowels for names of scripts that omit them."""

from services.screening.core.names.normalisation import normalise
from services.screening.core.names.vowels import VowelLexicon


def test_a_name_gets_the_vowels_of_the_most_frequent_words() -> None:
    lexicon = VowelLexicon([["mohammad", "karimi"], ["mohammad"], ["muhammed"]])

    assert lexicon.with_vowels(normalise("محمد کریمی")) == "mohammad karimi"


def test_a_name_of_mostly_unknown_words_gets_none() -> None:
    assert VowelLexicon([["mohammad"]]).with_vowels(normalise("محمد کریمی قاسمی")) is None


def test_an_article_is_left_out() -> None:
    assert VowelLexicon([["qahtani"]]).with_vowels(normalise("القحطاني")) == "qahtani"
