"""A case file holds the texts that its decisions rest on, and they are checked by digest."""

from __future__ import annotations

import json

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from operations.audit.case_checks import check
from operations.audit.case_file import CaseFile, TextPart, digests_of, parse, with_digests
from tests.applications import builders as b
from tests.operations.made_case import made_case

CASE = made_case(b.KEY)
KINDS = ("CODE_OF_CONDUCT", "POLICY", "REFERENCE_DATA")


def detail_of(file: CaseFile) -> tuple[bool, str]:
    """Whether the texts are as the events name them, and what is said of them."""
    (found,) = (each for each in check(file) if each.part == "texts")
    return found.ok, found.detail


def with_texts(*texts: TextPart) -> CaseFile:
    return with_digests(replace(CASE, texts=texts))


def of_kind(kind: str) -> TextPart:
    (found,) = (each for each in CASE.texts if each.kind == kind)
    return found


def others(kind: str) -> list[TextPart]:
    return [each for each in CASE.texts if each.kind != kind]


def test_the_texts_of_a_case_are_policy_reference_data_and_code_of_conduct() -> None:
    assert detail_of(CASE) == (True, "3 texts have their digests")
    assert sorted(each.kind for each in CASE.texts) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_text_is_named(kind: str) -> None:
    text = of_kind(kind)
    changed = replace(text, content=text.content + b" ")

    ok, detail = detail_of(with_texts(*others(kind), changed))

    assert not ok
    assert f"the content of {kind} {text.version} ({text.file_name}) was changed" in detail


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_text_is_named(kind: str) -> None:
    ok, detail = detail_of(with_texts(*others(kind)))

    assert not ok
    assert f"{of_kind(kind).sha256[:16]}: events rest on this {kind}, which is not kept" in detail


def test_a_text_under_another_kind_is_named() -> None:
    policy = replace(of_kind("POLICY"), kind="REFERENCE_DATA")

    ok, detail = detail_of(with_texts(*others("POLICY"), policy))

    assert not ok
    assert "events rest on this POLICY, which is kept as REFERENCE_DATA" in detail


def test_a_file_of_an_earlier_release_has_no_texts_and_the_same_digests() -> None:
    before = to_builtins(with_texts())
    del before["texts"]

    file = parse(json.dumps(before).encode(), "before")

    assert digests_of(file) == before["digests"]
    assert "texts" not in before["digests"]
