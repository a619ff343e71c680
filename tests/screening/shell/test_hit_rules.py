"""The file with the rules for verdicts on hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.screening.core.cases.hit_rules import HitRules
from services.screening.core.model import Strength
from services.screening.shell.hit_rules import read_hit_rules

SHIPPED = Path(__file__).parents[3] / "services/screening/rules/hits.yaml"


def test_the_shipped_rules_ask_two_officers_for_strong_hits_and_remember_a_year() -> None:
    assert read_hit_rules(SHIPPED) == HitRules(frozenset({Strength.EXACT, Strength.STRONG}), 365)


@pytest.mark.parametrize(
    "text",
    [
        "two_officers: [STRONG]\nfalse_positive_days: 365",
        "two_officers: [EXACT]\nfalse_positive_days: 0",
        "two_officers: [EXACT, LIKELY]\nfalse_positive_days: 365",
        "two_officers: [EXACT]",
        "two_officers: [EXACT]\nfalse_positive_days: 365\nother: 1",
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hits.yaml"
    file.write_text(text)

    with pytest.raises(ValueError, match="_File"):
        read_hit_rules(file)
