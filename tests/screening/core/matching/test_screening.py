"""Guarantees of screening: whole names are found, doubts are never CLEAR, hits are explained."""

import csv
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen, undetermined
from services.screening.core.model import (
    Effect,
    Entry,
    EvidenceKind,
    Flag,
    Hit,
    PartyKind,
    PartyQuery,
    Reason,
    Result,
    Screening,
    Strength,
)
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise

DATA = Path(__file__).parents[1] / "data"
TGO = Entry(
    entry_id="EL-1",
    list_code="EL",
    name="TGO General Trading LLC",
    content_hash="1",
    aliases=("Three Green Orbit",),
    kind=PartyKind.ORGANISATION,
    countries=("AE",),
    addresses=("19th Floor Festival Tower, Festival City, PO Box 36605, Dubai, AE",),
)
BEKTAS = Entry(
    entry_id="FSE-17526",
    list_code="FSE",
    name="BEKTAS, Halis",
    content_hash="2",
    kind=PartyKind.PERSON,
    birth_dates=("1966-02-13",),
    countries=("CH",),
    identifiers=(("Passport", "X0906223"),),
    programs=("SYRIA", "FSE-SY"),
)
PLANT = Entry(
    "SDN-35875",
    "SDN",
    "810 AIRCRAFT REPAIR PLANT",
    "3",
    kind=PartyKind.ORGANISATION,
    countries=("RU",),
)
AASPT = Entry("MEU-1", "MEU", "Academy of Aerospace Solid Propulsion Technology (AASPT)", "4")


@pytest.fixture(scope="module")
def small() -> ListIndex:
    return ListIndex.build([TGO, BEKTAS, PLANT, AASPT], "small")


def listing(kind: PartyKind, *names: str) -> ListIndex:
    """An index of parties of these names, all of one kind."""
    return ListIndex.build([Entry(name, "X", name, "1", kind=kind) for name in names], "listing")


def ask(generation: ListIndex, *names: str, **facts: object) -> Screening:
    return screen(generation, replace(PartyQuery(names), **facts), DEFAULT)  # type: ignore[arg-type]  # fields by name


def best(screening: Screening) -> Hit:
    assert screening.result is Result.POSSIBLE_MATCH
    return screening.hits[0]


def effects(hit: Hit) -> dict[EvidenceKind, Effect]:
    return {evidence.kind: evidence.effect for evidence in hit.explanation}


# Whole names and identifiers.


def test_every_published_name_is_found_by_the_exact_stage(generation: ListIndex) -> None:
    missed = [
        name
        for position, entry in enumerate(generation.entries)
        for name in entry.names
        if position not in {found.entry for found in generation.exact.with_name(normalise(name))}
    ]

    assert missed == []


def test_a_published_name_is_an_exact_hit_whatever_kind_is_declared(generation: ListIndex) -> None:
    chance = random.Random(3)
    names = [(entry, name) for entry in generation.entries for name in entry.names]

    for entry, name in chance.sample(names, 300):
        screening = ask(generation, name, kind=chance.choice(list(PartyKind)))
        hit = next((hit for hit in screening.hits if hit.entry_id == entry.entry_id), None)

        assert hit is not None, name
        assert hit.strength is not Strength.WEAK, name


def test_an_exact_alias_scores_one(small: ListIndex) -> None:
    hit = best(ask(small, "three green orbit"))

    assert (hit.entry_id, hit.score, hit.strength) == ("EL-1", 1.0, Strength.EXACT)
    assert hit.explanation[0].kind is EvidenceKind.NAME_EXACT
    assert hit.explanation[0].detail == (
        '"three green orbit" is "Three Green Orbit", an alias of "TGO General Trading LLC".'
    )


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Abd al-Kader Laghoub", "ABDELKADER LAAGOUB"),
        ("Nur Allah Nuri", "NURULLAH NOORI"),
        ("Salah ad-Din Zidan", "SALAHEDDINE ZIDANE"),
        ("Abdul Latif Sad", "SAAD, Abdul Latif"),
        ("ثناء اللہ غفاری", "SANAULLAH GHAFARI"),
        ("عبد الروف ذاکر", "ABDUL RAUF ZAKIR"),
    ],
)
def test_one_arabic_name_written_together_or_apart_or_in_another_country_is_one_name(
    asked: str, listed: str
) -> None:
    entry = Entry("X-1", "SDN", listed, "1", kind=PartyKind.PERSON)

    found = ask(ListIndex.build([entry, TGO, PLANT], "one"), asked, kind=PartyKind.PERSON)

    assert best(found).entry_id == "X-1"


@settings(deadline=None)
@given(st.permutations(["mohammed", "tawfiq", "khan", "afridi"]))
def test_the_order_of_a_persons_names_does_not_matter(names: list[str]) -> None:
    entry = Entry("X-1", "SDN", "KHAN AFRIDI, Mohammed Tawfiq", "1", kind=PartyKind.PERSON)
    generation = ListIndex.build([entry], "one")

    hit = best(ask(generation, " ".join(names), kind=PartyKind.PERSON))

    assert (hit.score, hit.strength) == (1.0, Strength.EXACT)


def test_an_official_identifier_is_exact_under_any_name(small: ListIndex) -> None:
    hit = best(ask(small, "Someone Else Entirely", identifiers=(("passport no.", "x-090 6223"),)))

    assert (hit.entry_id, hit.score, hit.strength) == ("FSE-17526", 1.0, Strength.EXACT)
    assert effects(hit)[EvidenceKind.IDENTIFIER] is Effect.SUPPORTS


def test_an_identifier_of_another_type_is_strong_but_not_exact(small: ListIndex) -> None:
    hit = best(ask(small, "Someone Else Entirely", identifiers=(("SWIFT/BIC", "X0906223"),)))

    assert hit.strength is Strength.STRONG


def test_an_acronym_in_brackets_is_a_strong_hit(small: ListIndex) -> None:
    hit = best(ask(small, "AASPT"))

    assert (hit.entry_id, hit.strength) == ("MEU-1", Strength.STRONG)


def test_names_that_differ_in_the_legal_form_are_a_strong_hit(small: ListIndex) -> None:
    hit = best(ask(small, "TGO General Trading FZE"))

    assert (hit.entry_id, hit.strength) == ("EL-1", Strength.STRONG)


def test_a_name_is_found_without_its_patronymic() -> None:
    entry = Entry("X-1", "SDN", "KLYUEV, Dmitry Vladislavovich", "1", kind=PartyKind.PERSON)

    hit = best(ask(ListIndex.build([entry, TGO], "one"), "Dmitry Klyuev", kind=PartyKind.PERSON))

    assert (hit.matched_name, hit.strength) == ("KLYUEV, Dmitry Vladislavovich", Strength.STRONG)


# Facts beside the name.


def test_an_exact_name_with_another_birth_date_is_strong_and_still_reported(
    small: ListIndex,
) -> None:
    hit = best(ask(small, "Halis Bektas", kind=PartyKind.PERSON, birth_date="1990"))

    assert hit.strength is Strength.STRONG
    assert effects(hit)[EvidenceKind.BIRTH_DATE] is Effect.CONTRADICTS


def test_an_exact_name_with_the_listed_birth_date_is_exact(small: ListIndex) -> None:
    hit = best(
        ask(
            small, "Halis Bektas", kind=PartyKind.PERSON, birth_date="1966-02-13", countries=("CH",)
        )
    )

    assert hit.strength is Strength.EXACT
    assert effects(hit)[EvidenceKind.BIRTH_DATE] is Effect.SUPPORTS
    assert effects(hit)[EvidenceKind.COUNTRY] is Effect.SUPPORTS


def test_a_wrong_kind_weighs_and_never_hides_a_listed_party(small: ListIndex) -> None:
    for kind in PartyKind:
        assert best(ask(small, "Halis Bektas", kind=kind)).entry_id == "FSE-17526"


def test_facts_that_agree_raise_the_score_of_a_similar_name(small: ListIndex) -> None:
    bare = best(ask(small, "Halid Bektas", kind=PartyKind.PERSON))
    known = best(
        ask(
            small, "Halid Bektas", kind=PartyKind.PERSON, birth_date="1966-02-13", countries=("CH",)
        )
    )

    assert known.score > bare.score


def test_an_address_that_agrees_is_evidence(small: ListIndex) -> None:
    hit = best(
        ask(
            small,
            "TGO General Tradings",
            addresses=("Festival Tower 19th floor, Festival City, PO Box 36605, Dubai AE",),
        )
    )

    assert effects(hit)[EvidenceKind.ADDRESS] is Effect.SUPPORTS


def test_names_that_many_people_bear_are_said_to_be_common_and_others_are_not() -> None:
    generation = listing(PartyKind.PERSON, "William Michael Johnson", "Zviad Gulbaat Kharashvili")

    common = best(ask(generation, "Michael Wiliam Johnson", kind=PartyKind.PERSON))
    rare = best(ask(generation, "Zviad Gulbaat Kharashvilli", kind=PartyKind.PERSON))
    said = "Many people are called johnson, michael and william."
    assert said in [each.detail for each in common.explanation]
    assert not any("Many people" in each.detail for each in rare.explanation)


def test_names_that_differ_in_their_number_do_not_match(small: ListIndex) -> None:
    assert ask(small, "356 Aircraft Repair Plant").result is Result.CLEAR


def test_a_name_with_another_number_is_a_near_miss_whatever_else_agrees() -> None:
    address = "2 Zavodskaya Street, Samara, Russia"
    plant = replace(PLANT, addresses=(address,))
    found = screen(
        ListIndex.build([plant], "numbers"),
        PartyQuery(
            ("811 Aircraft Repair Plant",), PLANT.kind, countries=("RU",), addresses=(address,)
        ),
        DEFAULT,
        floor=0.0,
    )

    assert found.result is Result.CLEAR
    assert found.near_misses[0].score == pytest.approx(DEFAULT.threshold - DEFAULT.bar_margin)
    assert effects(found.near_misses[0])[EvidenceKind.NUMBERS] is Effect.CONTRADICTS


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Carlyle Partners VIII L.P.", "Carlyle Partners VII L.P."),
        ("Goldman Sachs Mortgage Loan Trust 2005-1", "Goldman Sachs Mortgage Loan Trust 2004-1"),
    ],
)
def test_another_vehicle_of_a_sponsors_series_is_for_an_officer_to_see(
    asked: str, listed: str
) -> None:
    hit = best(ask(listing(PartyKind.ORGANISATION, listed), asked, kind=PartyKind.ORGANISATION))

    assert hit.strength is not Strength.EXACT
    assert effects(hit)[EvidenceKind.NUMBERS] is Effect.CONTRADICTS
    assert any("of one series" in each.detail for each in hit.explanation)


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Investment Fund 5", "Investment Fund 6"),
        ("Carlyle Power Plant 7", "Carlyle Power Plant 8"),
        ("Carlyle Europe Partners VIII", "Carlyle Partners VII"),
    ],
)
def test_another_number_bars_a_match_of_general_words_of_plants_and_of_other_series(
    asked: str, listed: str
) -> None:
    generation = listing(PartyKind.ORGANISATION, listed)

    assert ask(generation, asked, kind=PartyKind.ORGANISATION).result is Result.CLEAR


def test_a_number_on_one_side_only_is_told_though_all_other_words_agree() -> None:
    generation = listing(PartyKind.ORGANISATION, "Bowne Global Solutions II, Inc.")

    whole = best(ask(generation, "Bowne Global Solutions II Ltd", kind=PartyKind.ORGANISATION))
    without = best(ask(generation, "Bowne Global Solutions, Inc.", kind=PartyKind.ORGANISATION))
    assert without.score < whole.score
    assert effects(without)[EvidenceKind.NUMBERS] is Effect.CONTRADICTS


def test_firms_called_after_different_countries_are_told_apart_by_these() -> None:
    generation = listing(
        PartyKind.ORGANISATION, "Bowne Global Solutions (Finland) AB", "Korea Ryonbong Corporation"
    )
    kind = PartyKind.ORGANISATION

    other = best(ask(generation, "Bowne Global Solutions (Sweden) AB", kind=kind))
    detail = 'The given name has "sweden" where the listed name has "finland".'
    assert detail in [each.detail for each in other.explanation]
    assert other.score < best(ask(generation, "Bowne Global Solutions AB", kind=kind)).score
    # Korea is either: which one is seldom said.
    same = best(ask(generation, "DPRK Ryonbong Corporation", kind=kind))
    assert not any("The given name has" in each.detail for each in same.explanation)


def test_persons_of_different_fathers_are_told_apart_by_their_patronymics() -> None:
    generation = listing(PartyKind.PERSON, "Nikolai Ivanovich Zavarzin")

    assert (
        ask(generation, "Nikolai Petrovich Zavarzin", kind=PartyKind.PERSON).result is Result.CLEAR
    )
    assert best(ask(generation, "Nikolaj Ivanovych Zavarzin", kind=PartyKind.PERSON))


def test_who_is_whose_son_is_not_free_in_order() -> None:
    generation = listing(PartyKind.PERSON, "Ahmad bin Hasan al-Ubaidi")

    assert (
        best(ask(generation, "al-Ubaidi, Ahmad bin Hasan", kind=PartyKind.PERSON)).strength
        is Strength.EXACT
    )
    swapped = best(ask(generation, "Hasan bin Ahmad al-Ubaidi", kind=PartyKind.PERSON))
    assert swapped.strength is Strength.WEAK
    detail = (
        'In the given name "ahmad" is the parent of "hasan", in the listed name it is the child.'
    )
    assert detail in [each.detail for each in swapped.explanation]


def test_korean_characters_tell_names_apart_but_for_a_consonant_that_the_south_leaves_out() -> None:
    generation = listing(PartyKind.PERSON, "김정은", "리설주")

    assert best(ask(generation, "김정은", kind=PartyKind.PERSON)).strength is Strength.EXACT
    assert best(ask(generation, "이설주", kind=PartyKind.PERSON)).strength is Strength.EXACT
    assert best(ask(generation, "김종은", kind=PartyKind.PERSON)).strength is Strength.WEAK


def test_names_in_chinese_characters_are_told_apart_by_these_however_alike_they_sound() -> None:
    generation = listing(PartyKind.PERSON, "高市早苗")

    assert best(ask(generation, "高市早苗", kind=PartyKind.PERSON)).strength is Strength.EXACT
    other = best(ask(generation, "高石早苗", kind=PartyKind.PERSON))
    assert other.strength is Strength.WEAK
    assert any(
        "differ" in each.detail for each in other.explanation if each.effect is Effect.CONTRADICTS
    )


@pytest.mark.parametrize(
    "name", ["N P C International Ltd", "NPC International Ltd", "N.P.C. International Ltd"]
)
def test_letters_written_apart_are_the_abbreviation_that_they_make(name: str) -> None:
    generation = listing(PartyKind.ORGANISATION, "NPC INTERNATIONAL LIMITED")

    assert ask(generation, name, kind=PartyKind.ORGANISATION).hits


def test_a_firm_is_found_by_the_word_of_its_own_and_not_by_one_that_people_bear() -> None:
    generation = listing(
        PartyKind.ORGANISATION, "Megvii Technology Limited", "Johnson Technology Limited"
    )

    hit = best(ask(generation, "Megvii", kind=PartyKind.ORGANISATION))
    assert hit.explanation[0].detail == (
        '"Megvii" is short for the listed name "Megvii Technology Limited", '
        'which also has the general words "technology".'
    )
    assert ask(generation, "Johnson", kind=PartyKind.ORGANISATION).result is Result.CLEAR


def test_generic_words_alone_do_not_match(generation: ListIndex) -> None:
    assert ask(generation, "General Trading International Group LLC").result is Result.CLEAR


# Writing.


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("Huawei Tecnologies Co Ltd", "HUAWEI TECHNOLOGIES CO., LTD."),
        ("Владимир Владимирович Путин", "PUTIN, Vladimir Vladimirovich"),
        ("华为技术有限公司", "Huawei Technology"),
        ("بشار الأسد", "AL-ASSAD, Bashar"),
    ],
)
def test_misspelt_and_original_script_names_are_found(
    generation: ListIndex, name: str, listed: str
) -> None:
    found = {hit.entry_id for hit in ask(generation, name).hits}
    names = [
        text for entry in generation.entries if entry.entry_id in found for text in entry.names
    ]

    assert any(normalise(listed).sorted_key == normalise(text).sorted_key for text in names), names


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("خالد شيخ محمد", "SHAIKH MOHAMMED, Khalid"),
        ("قاسم سليماني", "SOLEIMANI, Qasem"),
        ("김정은", "KIM, Jong Un"),
    ],
)
def test_a_name_written_without_vowels_or_in_syllables_is_read(name: str, listed: str) -> None:
    entry = Entry("X-1", "SDN", listed, "1", kind=PartyKind.PERSON)

    assert best(ask(ListIndex.build([entry, TGO, PLANT], "one"), name)).matched_name == listed


def test_a_name_that_only_sounds_alike_needs_a_supporting_fact() -> None:
    name = "FELICIANO SEMBORIO DELOS REYES"
    entry = Entry("X-1", "SDN", name, "1", kind=PartyKind.PERSON, birth_dates=("1971",))
    generation = ListIndex.build([entry, TGO, PLANT], "one")
    config = replace(DEFAULT, cross_script_threshold=0.6)
    query = PartyQuery(("فلسيانو سمبوريو ديلوس رييس الإبن",), PartyKind.PERSON)

    assert screen(generation, query, config).result is Result.CLEAR
    assert best(screen(generation, replace(query, birth_date="1971"), config)).entry_id == "X-1"
    assert screen(generation, replace(query, birth_date="1950"), config).result is Result.CLEAR


def test_a_trick_of_writing_is_seen_through_and_flagged(small: ListIndex) -> None:
    screening = ask(small, "Thrее Green\u200b Orbit")  # noqa: RUF001  two letters are Cyrillic

    assert best(screening).strength is Strength.EXACT
    assert set(screening.flags) == {Flag.MIXED_SCRIPT, Flag.INVISIBLE_CHARACTERS}


def test_altered_names_of_the_un_list_are_found() -> None:
    with (
        (DATA / "un_names_untreated.csv").open() as listed,
        (DATA / "un_names_treated.csv").open() as asked,
    ):
        names = [row["full_name"] for row in csv.DictReader(listed)]
        altered = [row["full_name"] for row in csv.DictReader(asked)]
    entries = [
        Entry(f"UN-{n}", "UN", name, str(n), kind=PartyKind.PERSON) for n, name in enumerate(names)
    ]
    generation = ListIndex.build(entries, "un")

    found = sum(
        any(hit.entry_id == f"UN-{n}" for hit in ask(generation, name, kind=PartyKind.PERSON).hits)
        for n, name in enumerate(altered)
    )

    assert found / len(names) >= 0.995


def test_few_innocent_persons_alert(generation: ListIndex) -> None:
    innocents = (DATA / "innocent_persons.txt").read_text().splitlines()

    alerts = sum(
        ask(generation, name, kind=PartyKind.PERSON).result is not Result.CLEAR
        for name in innocents
    )

    assert alerts / len(innocents) <= 0.02


# Doubt.


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), Reason.NAME_MISSING),
        (("", "  "), Reason.NAME_MISSING),
        (("N/A",), Reason.NAME_PLACEHOLDER),
        (("xxxx",), Reason.NAME_PLACEHOLDER),
        (("Not known",), Reason.NAME_PLACEHOLDER),
        (("T",), Reason.NAME_TOO_SHORT),
        (("王",), Reason.NAME_TOO_SHORT),
        (("a" + "bc" * 2500,), Reason.NAME_TOO_LONG),
        (("word " * 60,), Reason.NAME_TOO_LONG),
        (("!?-...",), Reason.NAME_UNREADABLE),
        (tuple(f"Name Number {n}" for n in range(100)), Reason.TOO_MANY_NAMES),
    ],
)
def test_a_name_that_cannot_be_judged_is_undetermined(
    small: ListIndex, names: tuple[str, ...], reason: Reason
) -> None:
    screening = ask(small, *names)

    assert screening.result is Result.UNDETERMINED
    assert screening.reasons == (reason,)


def test_a_published_name_is_found_however_odd_it_looks() -> None:
    long = "Ministry of Example, including " + "its services and " * 20 + "all others"
    entries = [Entry("X-1", "EL", "CCCC", "1"), Entry("X-2", "EL", long, "2"), TGO]
    generation = ListIndex.build(entries, "odd")

    assert [best(ask(generation, name)).entry_id for name in ("CCCC", long)] == ["X-1", "X-2"]


def test_one_unreadable_name_among_good_ones_is_not_clear(small: ListIndex) -> None:
    screening = ask(small, "Charlotte Innocent", "unknown")

    assert (screening.result, screening.reasons) == (
        Result.UNDETERMINED,
        (Reason.NAME_PLACEHOLDER,),
    )


def test_without_an_index_nothing_is_clear(small: ListIndex) -> None:
    empty = ListIndex.build([], "empty")

    for generation in (None, empty):
        screening = screen(generation, PartyQuery(("Charlotte Innocent",)), DEFAULT)
        assert (screening.result, screening.reasons) == (
            Result.UNDETERMINED,
            (Reason.INDEX_NOT_READY,),
        )


def test_a_screening_cut_short_is_undetermined() -> None:
    assert undetermined(DEFAULT, Reason.BUDGET_EXCEEDED).result is Result.UNDETERMINED


@settings(deadline=None)
@given(text=st.text(alphabet=" \t\n\u00a0\u200b\u2003.-", max_size=40))
def test_a_blank_name_is_never_clear(small: ListIndex, text: str) -> None:
    assert ask(small, text).result is Result.UNDETERMINED


# The answer.


def test_an_innocent_party_is_clear_with_versions_on_the_answer(small: ListIndex) -> None:
    screening = ask(small, "Charlotte Innocent")

    assert screening.result is Result.CLEAR
    assert screening.list_version_id == "small"
    assert screening.config_version == DEFAULT.version
    assert 0 < screening.expected_alert_rate < 0.05


def test_hits_come_best_first_one_for_each_entry(generation: ListIndex) -> None:
    hits = ask(generation, "Huawei Technologies", "Huawei").hits

    assert list(hits) == sorted(hits, key=lambda hit: -hit.score)
    assert len({hit.entry_id for hit in hits}) == len(hits)


def test_a_similar_name_is_explained_word_by_word(small: ListIndex) -> None:
    hit = best(ask(small, "Halis Bektash"))

    evidence = next(one for one in hit.explanation if one.kind is EvidenceKind.NAME_SCORE)
    assert '"bektash" resembles "bektas"' in evidence.detail
    assert '"halis" is in both names' in evidence.detail


def test_a_hit_says_where_the_party_is_listed_and_by_which_versions(small: ListIndex) -> None:
    hit = best(ask(small, "Halis Bektas"))

    (listed,) = (one for one in hit.explanation if one.kind is EvidenceKind.LISTED)
    assert listed.detail == (
        'The listed party is entry FSE-17526 of "FSE", under SYRIA and FSE-SY. '
        f"It was compared using list version small and rules {DEFAULT.version}."
    )


def test_near_misses_are_listed_when_asked_for_and_change_nothing(small: ListIndex) -> None:
    query = PartyQuery(("356 Aircraft Repair Plant",))

    asked = screen(small, query, DEFAULT, floor=0.01)

    assert asked.result is Result.CLEAR
    assert [hit.entry_id for hit in asked.near_misses] == ["SDN-35875"]
    assert replace(asked, near_misses=()) == screen(small, query, DEFAULT)


def test_one_generation_answers_alike_every_time(generation: ListIndex) -> None:
    query = PartyQuery(("Mohammed Karim", "Karimov Mohamed"), PartyKind.PERSON, birth_date="1970")

    assert screen(generation, query, DEFAULT) == screen(generation, query, DEFAULT)


# The budget.


def after(allowed: int) -> Callable[[], bool]:
    """A budget that is spent once it was asked so many times."""
    asked = count()
    return lambda: next(asked) >= allowed


def test_a_spent_budget_is_undetermined_and_never_clear(small: ListIndex) -> None:
    screening = screen(small, PartyQuery(("Charlotte Innocent",)), DEFAULT, is_spent=lambda: True)

    assert (screening.result, screening.reasons) == (Result.UNDETERMINED, (Reason.BUDGET_EXCEEDED,))


def test_whole_names_and_identifiers_are_found_whatever_the_budget(small: ListIndex) -> None:
    query = PartyQuery(("Nobody", "Three Green Orbit"), identifiers=(("Passport", "X0906223"),))

    screening = screen(small, query, DEFAULT, is_spent=lambda: True)

    assert {hit.entry_id for hit in screening.hits} == {"EL-1", "FSE-17526"}
    assert (screening.result, screening.reasons) == (
        Result.POSSIBLE_MATCH,
        (Reason.BUDGET_EXCEEDED,),
    )


def test_what_a_budget_leaves_undone_is_never_clear(generation: ListIndex) -> None:
    query = PartyQuery(("Charlotte Innocent", "Charlotta Inocent"), PartyKind.PERSON)
    pieces = count()
    assert (
        screen(generation, query, DEFAULT, is_spent=lambda: next(pieces) < 0).result is Result.CLEAR
    )
    needed = next(pieces)

    for allowed in range(needed):
        cut = screen(generation, query, DEFAULT, is_spent=after(allowed))
        assert (cut.result, cut.reasons) == (Result.UNDETERMINED, (Reason.BUDGET_EXCEEDED,))
    assert screen(generation, query, DEFAULT, is_spent=after(needed)).result is Result.CLEAR


def test_hits_found_within_the_budget_are_told(small: ListIndex) -> None:
    query = PartyQuery(("Halis Bektash", "Somebody Else Entirely"), PartyKind.PERSON)

    screening = screen(small, query, DEFAULT, is_spent=after(3))

    assert [hit.entry_id for hit in screening.hits] == ["FSE-17526"]
    assert screening.reasons == (Reason.BUDGET_EXCEEDED,)
