"""Test files are named after the modules that they test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from checks.mirrored_tests import unmirrored

MODULE = "services/applications/core/decide.py"


def found(paths: Iterable[str], subjects: Mapping[str, str] | None = None) -> list[str]:
    return list(unmirrored(map(Path, paths), subjects or {}))


@pytest.mark.parametrize(
    "test",
    [
        "tests/applications/core/test_decide.py",
        "tests/applications/core/builders.py",
        "tests/journeys/test_scenario.py",
    ],
)
def test_a_mirrored_test_and_a_test_of_the_whole_are_accepted(test: str) -> None:
    assert found([MODULE, test]) == []


def test_a_test_without_its_module_is_found() -> None:
    (sentence,) = found([MODULE, "tests/applications/shell/test_decide.py"])

    assert "services/applications/shell/ has no module decide" in sentence


def test_a_test_of_several_modules_is_accepted_with_its_subject() -> None:
    test = "tests/applications/core/test_properties.py"

    assert found([MODULE, test], {test: "decide and evolve"}) == []


@pytest.mark.parametrize("present", [True, False])
def test_a_stale_subject_is_found(present: bool) -> None:
    test = "tests/applications/core/test_decide.py"
    paths = [MODULE, *([test] if present else [])]

    assert len(found(paths, {test: "decide"})) == 1
