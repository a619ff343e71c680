"""The names by which a listed party is compared."""

import pytest

from services.screening.core.model import Entry
from services.screening.core.names.published_names import (
    embedded_names,
    given_name_first,
    lacks_vowels,
    listed_names,
)


def texts(*names: str) -> list[str]:
    return [
        name.text for name in listed_names([Entry("X-1", "X", names[0], "1", aliases=names[1:])])
    ]


def test_a_name_in_brackets_is_a_name_of_its_own() -> None:
    assert texts("Academy of Examples (AOE)") == [
        "Academy of Examples (AOE)",
        "Academy of Examples",
        "AOE",
    ]


@pytest.mark.parametrize("remark", ["Hong Kong", "LLC", "a remark in lower case", "X" * 60])
def test_a_remark_in_brackets_is_no_name(remark: str) -> None:
    assert texts(f"Example ({remark})") == [f"Example ({remark})", "Example"]


def test_names_around_a_k_a_are_marked_as_other_names() -> None:
    assert list(embedded_names("Example One a.k.a. Example Two")) == [
        ("Example One", True),
        ("Example Two", True),
    ]


def test_a_name_is_also_listed_without_its_patronymic() -> None:
    assert texts("Ivan Petrovich Sidorov") == ["Ivan Petrovich Sidorov", "Ivan Sidorov"]
    assert texts("Petrovich Sidorov") == ["Petrovich Sidorov"]


def test_a_part_is_no_whole_name() -> None:
    names = list(listed_names([Entry("X-1", "X", "Academy (AOE)", "1")]))

    assert [name.is_whole for name in names] == [True, False, False]
    assert {name.published for name in names} == {"Academy (AOE)"}


def test_a_family_name_before_a_comma_is_spoken_last() -> None:
    assert given_name_first("BEKTAS, Halis") == "Halis BEKTAS"
    assert given_name_first("Halis Bektas") == "Halis Bektas"


def test_only_a_name_without_any_latin_letter_lacks_vowels() -> None:
    assert lacks_vowels("عبدالولی")
    assert not lacks_vowels("عبدالولی (Abdul Wali)")
    assert not lacks_vowels("Владимир")
