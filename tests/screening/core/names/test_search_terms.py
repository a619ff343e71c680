"""The terms of a name in a full-text index."""

from services.screening.core.model import PartyKind
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.search_terms import (
    FIELDS,
    listed_terms,
    name_skeleton,
    queried_terms,
)


def test_a_queried_name_has_the_terms_of_the_equal_listed_name() -> None:
    queried = queried_terms(normalise("Alfa Trading Ltd"), PartyKind.ORGANISATION)
    listed = listed_terms("alfa trading ltd", ("alfa", "trading"))

    assert set(queried) == set(FIELDS)
    assert {field: set(terms) for field, terms in queried.items()} == {
        field: set(terms) for field, terms in listed.items()
    }


def test_an_unvowelled_name_also_has_the_terms_of_its_other_pronunciation() -> None:
    terms = queried_terms(normalise("ذاکر"), PartyKind.PERSON)

    assert {"tkr", "skr"} <= set(terms["skeletons"])


def test_the_skeleton_of_a_name_does_not_depend_on_the_order_of_its_words() -> None:
    assert name_skeleton(["yusuf", "karim"]) == name_skeleton(["karim", "yusuf"]) == "krmsf"
