"""Organisations are found by translations and acronyms, with an explanation, and not by chance."""

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, EvidenceKind, Hit, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from tests.bench.screening.innocent_firms import alert_shares

LISTED = (
    ("NORTH WOOD INDUSTRY COMPANY", "IR"),
    ("KURDISTAN CEMENT", "IR"),
    ("BANK OF MOSCOW", "RU"),
    ("AMIN INVESTMENT BANK", "IR"),
    ("ZIMBABWE IRON AND STEEL COMPANY", "ZW"),
    ("EASTERN TURKISTAN ISLAMIC MOVEMENT", "CN"),
    ("NATIONAL IRANIAN DRILLING AND EXPLORATION COMPANY", "IR"),
    ("REVIVAL OF ISLAMIC HERITAGE SOCIETY", "PK"),
    ("SHEN ZHONG INTERNATIONAL SHIPPING", "CN"),
    ("810 AIRCRAFT REPAIR PLANT", "RU"),
    ("LIGHT INFANTRY DIVISION 66", "MM"),
    ("Chastnaya Voennaya Kompaniya Vagner", "RU"),
    ("IAC INTERNATIONAL INC.", "US"),
    ("EGYPTIAN ISLAMIC JIHAD", "EG"),
    ("MIL MOSCOW HELICOPTER PLANT", "RU"),
    ("MUROM INSTRUMENT PLANT", "RU"),
)


@pytest.fixture(scope="module")
def small() -> ListIndex:
    return ListIndex.build(
        [
            Entry(
                f"EL-{number}",
                "EL",
                name,
                str(number),
                kind=PartyKind.ORGANISATION,
                countries=(country,),
            )
            for number, (name, country) in enumerate(LISTED)
        ],
        "small",
    )


def hits(small: ListIndex, name: str, country: str = "") -> tuple[Hit, ...]:
    query = PartyQuery((name,), PartyKind.ORGANISATION, countries=(country,) if country else ())
    return screen(small, query, DEFAULT).hits


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("SHERKATE CHOOBE SHOMAAL", "NORTH WOOD INDUSTRY COMPANY"),
        ("SIMAN-E KURDISTAN", "KURDISTAN CEMENT"),
        ("BANK MOSKVY PAO", "BANK OF MOSCOW"),
        ("جمعية احياء التراث الاسلامي", "REVIVAL OF ISLAMIC HERITAGE SOCIETY"),
        ("الجهاد الاسلامي المصري", "EGYPTIAN ISLAMIC JIHAD"),
        ("沈忠國際海運有限公司", "SHEN ZHONG INTERNATIONAL SHIPPING"),
        ("Акционерное общество «Муромский приборостроительный завод»", "MUROM INSTRUMENT PLANT"),
        ("Light Infantry Division Sixty-Six", "LIGHT INFANTRY DIVISION 66"),
    ],
)
def test_an_organisation_is_found_by_the_meaning_of_its_name(
    small: ListIndex, asked: str, listed: str
) -> None:
    assert hits(small, asked)[0].matched_name == listed


@pytest.mark.parametrize(
    ("asked", "listed", "country"),
    [
        ("ETIM", "EASTERN TURKISTAN ISLAMIC MOVEMENT", "CN"),
        ("NIDEC", "NATIONAL IRANIAN DRILLING AND EXPLORATION COMPANY", ""),
        ("ZISCO", "ZIMBABWE IRON AND STEEL COMPANY", "ZW"),
        ("AMIN IB", "AMIN INVESTMENT BANK", ""),
        ("Chvk Vagner", "Chastnaya Voennaya Kompaniya Vagner", "RU"),
        ("66 LID", "LIGHT INFANTRY DIVISION 66", "MM"),
    ],
)
def test_an_organisation_is_found_by_its_acronym(
    small: ListIndex, asked: str, listed: str, country: str
) -> None:
    found = hits(small, asked, country)

    assert found[0].matched_name == listed
    assert found[0].explanation[0].kind is EvidenceKind.NAME_ACRONYM


def test_a_short_acronym_in_a_longer_name_needs_a_fact_that_supports_it(small: ListIndex) -> None:
    assert hits(small, "ETIM Electronics") == ()
    assert hits(small, "ETIM Electronics", "DE") == ()
    assert hits(small, "ETIM Electronics", "CN")


def test_a_short_acronym_that_is_the_whole_name_needs_one_that_does_not_contradict(
    small: ListIndex,
) -> None:
    assert hits(small, "ETIM")
    assert hits(small, "ETIM", "DE") == ()


@pytest.mark.parametrize("country", ["", "US"])
def test_an_acronym_of_three_letters_is_no_hit(small: ListIndex, country: str) -> None:
    assert hits(small, "International Airline Consulting", country) == ()


@pytest.mark.parametrize("asked", ["811 Samolet Plant", "Zavod 356", "77 LID"])
def test_numbers_must_agree_in_translations_and_acronyms(small: ListIndex, asked: str) -> None:
    assert hits(small, asked, "RU") == ()


@pytest.mark.parametrize(
    "asked",
    [
        "Sherkate Sanaye Shomal",
        "Moscow Trading Bank",
        "Zavod Moskva",
        "Cement Company",
        "Islamic Society",
    ],
)
def test_generic_words_alone_carry_no_match(small: ListIndex, asked: str) -> None:
    assert hits(small, asked) == ()


@pytest.mark.parametrize("kind", list(PartyKind))
def test_a_translated_name_is_found_whatever_kind_is_given(
    small: ListIndex, kind: PartyKind
) -> None:
    found = screen(small, PartyQuery(("SIMAN-E KURDISTAN",), kind), DEFAULT).hits

    assert found[0].matched_name == "KURDISTAN CEMENT"


def test_few_innocent_firms_with_words_or_letters_of_listed_ones_alert(
    generation: ListIndex,
) -> None:
    shares = [share for halves in alert_shares(generation, 8).values() for share in halves.values()]

    assert sum(shares) / len(shares) <= 0.05


def test_a_translation_is_explained_word_by_word(small: ListIndex) -> None:
    (evidence, *_) = hits(small, "SHERKATE CHOOBE SHOMAAL")[0].explanation

    assert evidence.kind is EvidenceKind.NAME_MEANING
    assert evidence.detail.startswith(
        '"SHERKATE CHOOBE SHOMAAL" has the same meaning as'
        ' the listed name "NORTH WOOD INDUSTRY COMPANY": '
    )
    assert '"choobe" means "wood"' in evidence.detail


def test_an_acronym_is_explained_by_what_it_is_short_for(small: ListIndex) -> None:
    (evidence, *_) = hits(small, "ZISCO", "ZW")[0].explanation

    assert evidence.detail == (
        '"ZISCO" may be the listed name "ZIMBABWE IRON AND STEEL COMPANY":'
        ' "ZISCO" is short for "zimbabwe iron and steel company".'
    )


def test_no_translation_or_acronym_is_a_strong_hit(small: ListIndex) -> None:
    assert all(
        hits(small, name)[0].score <= DEFAULT.strong_threshold
        for name in ("SHERKATE CHOOBE SHOMAAL", "AMIN IB")
    )
