"""A listed party is found however its name is written: decorated, disguised, in other scripts."""

# ruff: noqa: RUF001  letters of other alphabets and full-width ones are the cases

import random
import re
import unicodedata
from collections.abc import Callable
from itertools import cycle

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, Flag, Hit, PartyKind, PartyQuery, Screening
from services.screening.core.names.identifiers import identifier_key
from services.screening.core.names.index import ListIndex
from services.screening.core.names.judgeable import judgeable_names
from services.screening.core.names.normalisation import normalise

PERSON, ORGANISATION, VESSEL = PartyKind.PERSON, PartyKind.ORGANISATION, PartyKind.VESSEL


def ask(generation: ListIndex, name: str, kind: PartyKind = PartyKind.UNKNOWN) -> Screening:
    return screen(generation, PartyQuery((name,), kind), DEFAULT)


def bears(generation: ListIndex, hit: Hit, listed: str) -> bool:
    """Whether a name of the hit's entry has all words of the listed one."""
    (entry,) = (entry for entry in generation.entries if entry.entry_id == hit.entry_id)
    return any(set(normalise(listed).words) <= set(normalise(name).words) for name in entry.names)


def is_found(generation: ListIndex, name: str, listed: str, kind: PartyKind) -> bool:
    return any(bears(generation, hit, listed) for hit in ask(generation, name, kind).hits)


# Every string of the shipped list.


def test_every_listed_name_can_be_judged_and_is_found_by_the_exact_stage(
    generation: ListIndex,
) -> None:
    kinds = cycle(PartyKind)
    missed = []
    for position, entry in enumerate(generation.entries):
        for text in entry.names:
            names, reasons, _ = judgeable_names(
                PartyQuery((text,), next(kinds)), DEFAULT, generation.exact
            )
            found = {
                one.entry
                for name in names
                for one in generation.exact.with_name(name.variants[0].name)
            }
            if reasons or position not in found:
                missed.append(text)

    assert missed == []


def test_every_listed_identifier_is_found_by_the_exact_stage(generation: ListIndex) -> None:
    missed = [
        identifier
        for position, entry in enumerate(generation.entries)
        for identifier in entry.identifiers
        if identifier_key(identifier[1])
        and position not in {found for found, _ in generation.exact.with_identifier(identifier)}
    ]

    assert missed == []


def test_every_identifier_of_three_characters_has_a_key(entries: tuple[Entry, ...]) -> None:
    values = {value for entry in entries for _, value in entry.identifiers}

    assert {value for value in values if identifier_key(value) is None} <= {
        value for value in values if sum(char.isalnum() for char in value) < 3
    }


def test_a_listed_identifier_is_a_hit_whatever_name_and_kind_are_given(
    generation: ListIndex,
) -> None:
    chance = random.Random(7)
    listed = [
        (entry, one)
        for entry in generation.entries
        for one in entry.identifiers
        if identifier_key(one[1])
    ]

    for entry, identifier in chance.sample(listed, 40):
        query = PartyQuery(
            ("Ingeborg Abrahamsen",), chance.choice(list(PartyKind)), identifiers=(identifier,)
        )
        assert entry.entry_id in {
            hit.entry_id for hit in screen(generation, query, DEFAULT).hits
        }, identifier


@pytest.mark.parametrize(
    ("listed", "given"),
    [
        ("A1234567", "a 123-45.67"),
        ("A1234567", "Passport No. A1234567"),
        ("A1234567", "Ａ１２３４５６７"),
        ("A1234567 (Iran)", "A1234567"),
        ("IMO 9187629", "9187629"),
        ("9187629", "imo no. 9187629"),
        ("7707083893", "ИНН 7707083893"),
        ("7707083893", "RU7707083893"),
        ("54-66001", "٥٤٦٦٠٠١"),
        ("LEI 5493001KJTIIGC8Y1R12", "5493 001K JTII GC8Y 1R12"),
        ("D-U-N-S Number 544116514", "544116514"),
    ],
)
def test_an_identifier_is_found_however_it_is_punctuated_and_labelled(
    listed: str, given: str
) -> None:
    entry = Entry("X-1", "SDN", "Somebody Listed", "1", identifiers=(("Passport", listed),))
    query = PartyQuery(("Ingeborg Abrahamsen",), identifiers=(("Passport", given),))

    assert [
        hit.entry_id for hit in screen(ListIndex.build([entry], "one"), query, DEFAULT).hits
    ] == ["X-1"]


def test_a_short_identifier_counts_for_its_own_kind_of_number_only() -> None:
    entry = Entry(
        "X-1", "SDN", "Somebody Listed", "1", identifiers=(("Registration Number", "1690"),)
    )
    generation = ListIndex.build([entry], "one")

    def hits(kind: str) -> int:
        query = PartyQuery(("Ingeborg Abrahamsen",), identifiers=((kind, "1690"),))
        return len(screen(generation, query, DEFAULT).hits)

    assert [hits("Company No."), hits("Passport"), hits("Identifier")] == [1, 0, 0]


# Decorations.


def turned(text: str) -> str:
    family, comma, given = text.partition(", ")
    return f"{given} {family}" if comma else text


def styled(text: str, capital: int, small: int) -> str:
    return "".join(
        chr(capital + ord(char) - ord("A"))
        if "A" <= char <= "Z"
        else chr(small + ord(char) - ord("a"))
        if "a" <= char <= "z"
        else char
        for char in text
    )


def with_cyrillic(text: str) -> str:
    return text.translate(str.maketrans("aeopcxyAEOPCXHKMTB", "аеорсхуАЕОРСХНКМТВ"))


DECORATIONS: dict[str, Callable[[str], str]] = {
    "capitals": str.upper,
    "small letters": str.lower,
    "no punctuation": lambda text: re.sub(r"[^\w\s]", "", text),
    "punctuation as spaces": lambda text: re.sub(r"[^\w\s]", " ", text),
    "no diacritics": lambda text: "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    ),
    "full width": lambda text: styled(text, 0xFF21, 0xFF41).replace(" ", "\u3000"),
    "brackets": lambda text: f"[{text}]",
    "quotes": lambda text: f"«{text}»",
    "extra spaces": lambda text: f"  {text.replace(' ', '   ')}\t",
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "underscores": lambda text: text.replace(" ", "_"),
    "no spaces": lambda text: re.sub(r"[\s,]", "", text),
    "zero-width spaces": "\u200b".join,
    "zero-width joiners": lambda text: text.replace("a", "a\u200d").replace("A", "A\u200d"),
    "direction marks": lambda text: f"\u202e\u2066{text}\u2069\u200f",
    "soft hyphens": lambda text: f"{text[:3]}\u00ad{text[3:]}",
    "struck out": lambda text: "".join(f"{char}\u0336" for char in text),
    "mathematical letters": lambda text: styled(text, 0x1D400, 0x1D41A),
    "circled letters": lambda text: styled(text, 0x24B6, 0x24D0),
    "Cyrillic letters": with_cyrillic,
    "spelled out": lambda text: "   ".join(" ".join(word) for word in text.split()),
}
PERSONAL: dict[str, Callable[[str], str]] = {
    "given name first": turned,
    "Dr.": lambda text: f"Dr. {turned(text)}",
    "Mr.": lambda text: f"Mr. {turned(text)}",
    "Haji": lambda text: f"Haji {turned(text)}",
    "several titles": lambda text: f"Maj. Gen. Prof. Dr. {turned(text)}, PhD",
}
FIRMS: dict[str, Callable[[str], str]] = {
    "M/s": lambda text: f"M/s {text}",
    "The": lambda text: f"The {text}",
}


@pytest.mark.parametrize(
    ("decoration", "kinds"),
    [
        *(pytest.param(one, tuple(PartyKind), id=name) for name, one in DECORATIONS.items()),
        *(pytest.param(one, (PERSON,), id=name) for name, one in PERSONAL.items()),
        *(pytest.param(one, (ORGANISATION,), id=name) for name, one in FIRMS.items()),
    ],
)
def test_a_listed_name_is_found_however_it_is_decorated(
    generation: ListIndex, decoration: Callable[[str], str], kinds: tuple[PartyKind, ...]
) -> None:
    chance = random.Random(11)
    names = [
        (entry, name) for entry in generation.entries if entry.kind in kinds for name in entry.names
    ]
    whole = [
        (entry, name)
        for entry, name in names
        if name.isascii() and len(normalise(name).joined) > 5 and "(" not in name
    ]

    for entry, name in chance.sample(whole, 12):
        found = ask(generation, decoration(name), chance.choice((entry.kind, PartyKind.UNKNOWN)))
        assert entry.entry_id in {hit.entry_id for hit in found.hits}, decoration(name)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("Huawei Technologies Company Limited", "Huawei Technologies Co., Ltd."),
        ("Joint Stock Company Kalashnikov Concern", "KALASHNIKOV CONCERN"),
        ("Sberbank", "PUBLIC JOINT STOCK COMPANY SBERBANK OF RUSSIA"),
        ("Bank Melli Iran (Iranian national bank)", "BANK MELLI IRAN"),
        ("Somebody Unlisted a.k.a. TGO General Trading LLC", "TGO General Trading LLC"),
    ],
)
def test_a_firm_is_found_by_another_form_of_its_name(
    generation: ListIndex, name: str, listed: str
) -> None:
    assert is_found(generation, name, listed, ORGANISATION)


# Tricks.


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("Vladimir Рutin", Flag.MIXED_SCRIPT),
        ("Владимир Пyтин", Flag.MIXED_SCRIPT),
        ("Vlаdіmіr Рutіn", Flag.MIXED_SCRIPT),
        ("Vladimir ꓑꓴꓔꓲꓠ", Flag.MIXED_SCRIPT),
        ("Vladi\u200bmir Pu\u2060tin", Flag.INVISIBLE_CHARACTERS),
        ("Vladimir Pu\u3164tin", Flag.INVISIBLE_CHARACTERS),
        ("Vladi\u200cmir Putin", Flag.INVISIBLE_CHARACTERS),
        ("V l a d i m i r   P u t i n", Flag.SPACED_LETTERS),
        ("Vladimir P u t i n", Flag.SPACED_LETTERS),
        ("V-l-a-d-i-m-i-r P-u-t-i-n", Flag.SPACED_LETTERS),
        ("Vlad1m1r Put1n", Flag.HOMOGLYPHS),
        ("Vladimir Ρυτιν", Flag.HOMOGLYPHS),
        ("𝐕𝐥𝐚𝐝𝐢𝐦𝐢𝐫 𝐏𝐮𝐭𝐢𝐧", Flag.HOMOGLYPHS),
        ("Ⓥⓛⓐⓓⓘⓜⓘⓡ Putin", Flag.HOMOGLYPHS),
        ("V̶l̶a̶d̶i̶m̶i̶r̶ P̷u̷t̷i̷n̷", Flag.STACKED_MARKS),
    ],
)
def test_a_trick_of_writing_is_seen_through_and_told(
    generation: ListIndex, name: str, flag: Flag
) -> None:
    screening = ask(generation, name, PERSON)

    assert any(bears(generation, hit, "PUTIN, Vladimir") for hit in screening.hits)
    assert flag in screening.flags


@pytest.mark.parametrize(
    "name",
    [
        "Huawei (华为) Россия", "محمود احمدی\u200cنژاد", "Ｆｕｌｌ Ｗｉｄｔｈ 株式会社",
        "Nguyễn Thị Ánh",
        "S̲h̲ayk̲h̲ Ahmad", "J. R. R. Smith", "I B M", "YV2970", "21st Century Fox", "3M",
        "МОСКВА", "Ελλάδα ΑΕ", "Müller-Lüdenscheid", "Web 2.0",
        "שָׁלוֹם", "कमला", "Coca-Cola Россия",
    ],
)  # fmt: skip
def test_an_honest_way_of_writing_is_no_trick(name: str) -> None:
    assert normalise(name).flags == ()


# Scripts.


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("김정은", "KIM, Jong Un"),
        ("최룡해", "CHOE, Ryong Hae"),
        ("리병철", "RI, Pyong Chol"),
        ("이병철", "RI, Pyong Chol"),
        ("박영식", "PAK, Yong Sik"),
        ("Hwang Byeong-seo", "HWANG, Pyong So"),
        ("Kim Jeong-un", "KIM, Jong Un"),
        ("陈全国", "CHEN, Quanguo"),
        ("陳全國", "CHEN, Quanguo"),
        ("陈 全 国", "CHEN, Quanguo"),
        ("Quanguo Chen", "CHEN, Quanguo"),
        ("Chen Quan-guo", "CHEN, Quanguo"),
        ("CHENQUANGUO", "CHEN, Quanguo"),
        ("မင်းအောင်လှိုင်", "HLAING, Min Aung"),
        ("ဦးမင်းအောင်လှိုင်", "HLAING, Min Aung"),
        ("စိုးဝင်း", "SOE WIN"),
        ("မြထွန်းဦး", "OO, Mya Tun"),
        ("Senior General Min Aung Hlaing", "HLAING, Min Aung"),
        ("ולדימיר פוטין", "PUTIN, Vladimir"),
        ("חסן נסראללה", "NASRALLAH, Hasan"),
        ("סרגיי לברוב", "LAVROV, Sergei"),
        ("קאסם סולימאני", "SOLEIMANI, Qasem"),
        ("Βλαντίμιρ Πούτιν", "PUTIN, Vladimir"),
        ("Μπασάρ αλ-Άσαντ", "AL-ASSAD, Bashar"),
        ("Σεργκέι Λαβρόφ", "LAVROV, Sergei"),
        ("Ραμζάν Καντίροφ", "KADYROV, Ramzan"),
        ("Володимир Путін", "PUTIN, Vladimir"),
        ("Олександр Лукашенко", "LUKASHENKA, Alyaksandr"),
        ("Уладзімір Пуцін", "PUTIN, Vladimir"),
        ("Аляксандр Лукашэнка", "LUKASHENKA, Alyaksandr"),
        ("Евгений Викторович Пригожин", "PRIGOZHIN, Yevgeniy"),
        ("قاسم سلیمانی", "SOLEIMANI, Qasem"),
        ("قاسم سليماني", "SOLEIMANI, Qasem"),
        ("علی خامنه\u200cای", "KHAMENEI, Ali"),
        ("محسن فخری\u200cزاده", "FAKHRIZADEH-MAHABADI, Mohsen"),
        ("يحيى السنوار", "SINWAR, Yahya"),
        ("حسن نصر الله", "NASRALLAH, Hasan"),
        ("Վլադիմիր Պուտին", "PUTIN, Vladimir"),
    ],
)
def test_a_listed_person_is_found_by_the_name_in_another_script(
    generation: ListIndex, name: str, listed: str
) -> None:
    assert is_found(generation, name, listed, PERSON)


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("김정은", "Kim Jong Un"),
        ("최룡해", "Choe Ryong Hae"),
        ("박영식", "Pak Yong Sik"),
        ("陈全国", "Chen Quanguo"),
        ("华为技术有限公司", "Huawei Technologies Co., Ltd."),
        ("မင်းအောင်လှိုင်", "Min Aung Hlaing"),
        ("ולדימיר פוטין", "Vladimir Putin"),
        ("Βλαντίμιρ Πούτιν", "Vladimir Putin"),
        ("Владимир Путин", "Vladimir Putin"),
        ("Володимир Путін", "Volodymyr Putin"),
        ("قاسم سلیمانی", "Qasem Soleimani"),
        ("محمد عمر غلام نبی", "Mohammed Omar Ghulam Nabi"),
    ],
)
def test_a_party_listed_in_its_own_script_is_found_by_a_latin_name(listed: str, name: str) -> None:
    generation = ListIndex.build(
        [Entry("X-1", "UN", listed, "1"), Entry("X-2", "UN", "Somebody Else", "2")], "back"
    )

    assert [hit.entry_id for hit in ask(generation, name).hits] == ["X-1"]


def test_a_name_listed_without_vowels_is_read_as_other_names_are_written() -> None:
    listed = (
        Entry("X-1", "UN", "عبدالولی صدیقی", "1"),
        Entry("X-2", "SDN", "SIDDIQI, Hamid", "2"),
        Entry("X-3", "SDN", "WALI, Abdul", "3"),
    )

    best = ask(ListIndex.build(listed, "vowels"), "Abd Wali Siddiqi").hits[0]

    assert best.entry_id == "X-1"
    assert best.explanation[0].detail == (
        '"Abd Wali Siddiqi" is a likely reading of the published name "عبدالولی صدیقی",'
        " which is written without vowels."
    )


def test_a_trick_in_a_listed_name_does_not_hide_it() -> None:
    generation = ListIndex.build([Entry("X-1", "SDN", "Gоlden\u200b Gate Trаding", "1")], "tricked")

    assert [hit.entry_id for hit in ask(generation, "Golden Gate Trading").hits] == ["X-1"]
