"""The sentences that explain a match of names."""

from services.screening.core.model import EvidenceKind
from services.screening.core.names import explanations
from services.screening.core.names.token_alignment import Alignment, WordPair


def test_a_variant_is_described_before_the_match() -> None:
    evidence = explanations.part_of_name("Dr. Alfa", "Alfa (Beta)", "without its titles")

    assert (
        evidence.detail
        == '"Dr. Alfa", read without its titles, is part of the published name "Alfa (Beta)".'
    )


def test_an_alias_in_another_order_is_named_with_its_party() -> None:
    evidence = explanations.exact_name("Beta Alfa", "Alfa Beta", "Gamma", same_order=False)

    assert evidence.detail == (
        '"Beta Alfa" is "Alfa Beta", an alias of "Gamma", with the words in another order.'
    )


def test_a_similar_name_is_explained_word_by_word() -> None:
    alignment = Alignment(
        (WordPair("alfa", "alfa", 1.0, 1.0), WordPair("bete", "beta", 0.8, 1.0)),
        ("ltd",),
        ("of", "gamma"),
        0.9,
        0.8,
        1.0,
    )

    evidence = explanations.similar_name("A", "B", 0.871, alignment, by_sound=False)

    assert evidence.kind is EvidenceKind.NAME_SCORE
    assert evidence.detail == (
        '"A" resembles the listed name "B" with a score of 0.87: "alfa" is in both names;'
        ' "bete" resembles "beta"; "ltd" is only in the given name;'
        ' "of" and "gamma" are only in the listed name.'
    )


def test_an_identifier_of_another_type_is_said_to_be_one() -> None:
    evidence = explanations.same_identifier(
        ("Tax ID", "123"), ("Passport", "123"), same_family=False
    )

    assert evidence.detail == (
        "The identifier 123 (Tax ID) is published for the listed party as Passport 123."
        " The types of the two identifiers differ."
    )


def test_names_that_differ_in_the_legal_form_only_are_said_to() -> None:
    one = explanations.same_words("Alfa Ltd", "Alfa", but_legal_form=True)
    other = explanations.same_words("Beta Alfa Ltd", "Alfa Beta", but_legal_form=False)

    assert one.detail == '"Alfa Ltd" and the listed name "Alfa" differ only in legal form.'
    assert other.detail == (
        '"Beta Alfa Ltd" and the listed name "Alfa Beta"'
        " differ only in word order, word breaks or legal form."
    )
