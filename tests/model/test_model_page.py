"""docs/model.md shows the counterexamples of the search, and the code names the model's steps."""

from __future__ import annotations

import re
from typing import Final

import pytest

from infra.cache import CHECKOUT
from tests.model.assumptions import ALL, Assumption
from tests.model.counterexamples import BOUNDS
from tests.model.diagrams import section
from tests.model.protocol import STEPS, Taken
from tests.model.search import search

_ROOMS: Final = ("chassis", "services/enforcement", "sdk/safeconduct")
_NAMED: Final = re.compile(r"# Step of the model: (\w+)")


# The searches of the other counterexamples are part of test_bound, and take ten times as long.
QUICK: Final = (Assumption.ONE_TRANSACTION, Assumption.SEND_TIME, Assumption.READER_NOTICES_TOPIC)


@pytest.mark.parametrize("assumption", QUICK, ids=lambda each: each.name)
def test_the_page_shows_the_counterexample_of_the_search(assumption: Assumption) -> None:
    trace = search(BOUNDS[assumption], ALL - {assumption}).trace

    assert trace is not None
    text = (CHECKOUT / "docs" / "model.md").read_text(encoding="utf-8")
    assert section(assumption, [step for step, _ in trace]) in text


def test_the_page_has_a_section_for_every_assumption_that_the_bound_needs() -> None:
    text = (CHECKOUT / "docs" / "model.md").read_text(encoding="utf-8")

    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == [each.name for each in BOUNDS]


def test_the_code_names_each_step_of_the_model_that_it_takes_and_no_other() -> None:
    named = {
        name
        for room in _ROOMS
        for file in (CHECKOUT / room).rglob("*.py")
        for name in _NAMED.findall(file.read_text(encoding="utf-8"))
    }

    assert named == {name for name, by in STEPS.items() if by is Taken.BY_CODE}
