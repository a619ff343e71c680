"""The full-text index."""

from services.screening.core.names.full_text import FullTextIndex, all_of, any_of


def index() -> FullTextIndex:
    found = FullTextIndex(15_000_000, ("tag",), ("whole",))
    found.add(7, {"words": "alfa trading", "tag": "x y", "whole": "trading alfa"})
    found.add(8, {"words": "beta trading", "tag": "y"})
    found.commit()
    return found


def test_a_row_that_shares_more_terms_comes_first() -> None:
    assert index().search_terms({"words": ["beta", "trading"]}, ("words",), 9) == [8, 7]


def test_without_terms_nothing_is_found() -> None:
    assert index().search_terms({"words": []}, ("words",), 9) == []


def test_a_row_is_found_after_the_commit() -> None:
    found = index()
    found.add(9, {"words": "gamma"})
    assert found.search(found.term("words", "gamma"), 9) == []

    found.commit()

    assert found.search(found.term("words", "gamma"), 9) == [9]


def test_a_closed_index_can_be_searched() -> None:
    found = index()
    found.close()

    assert found.search(found.term("tag", "x"), 9) == [7]


def test_the_text_of_a_whole_field_is_one_term() -> None:
    found = index()

    assert found.search(found.term("whole", "trading alfa"), 9) == [7]
    assert found.search(found.term("whole", "trading"), 9) == []


def test_a_pattern_must_match_a_whole_term() -> None:
    found = index()

    assert found.search(found.pattern("words", "al(f)?a"), 9) == [7]
    assert found.search(found.pattern("words", "al"), 9) == []


def test_all_queries_must_match_and_preferred_ones_decide_the_order() -> None:
    found = index()
    required = any_of([found.term("tag", "y")])

    assert found.search(all_of([required], [found.term("words", "beta")]), 9)[0] == 8
    assert found.search(all_of([required, found.term("tag", "x")], []), 9) == [7]
