"""Logic-v2's score, guarded by golden values and by nomenklatura: a release that judges otherwise is noticed."""

import csv
from pathlib import Path

import pytest
from nomenklatura.matching.logic_v2.names.match import match_name_symbolic

from services.screening.core.model import PartyKind
from services.screening.core.score import (
    COMPARE,
    EXTRA_QUERY_WEIGHT,
    EXTRA_RESULT_WEIGHT,
    FAMILY_NAME_WEIGHT,
    analyse,
    logic_score,
)

PAIRS = Path(__file__).parents[2] / "bench" / "screening" / "data" / "name_pairs.csv"

GOLDEN = [
    ("Vladimir Putin", "PUTIN, Vladimir Vladimirovich", PartyKind.PERSON, 0.9091),
    ("Mohamad al Bayati", "AL-BAYATI, Abdul Rahman Muhammad", PartyKind.PERSON, 0.7308),
    ("Olaf Scholze", "Olaf Scholz", PartyKind.PERSON, 0.9286),
    ("J. Smith", "John Smith", PartyKind.PERSON, 0.5000),
    ("Angela Merkel", "Angelo Cruz", PartyKind.PERSON, 0.3673),
    ("Siemens Aktiengesellschaft", "Siemens AG", PartyKind.ORGANISATION, 1.0000),
    ("Huawei Technologies", "Huawei Technologies Co., Ltd.", PartyKind.ORGANISATION, 0.9239),
    ("810 Aircraft Repair Plant", "356 Aircraft Repair Plant", PartyKind.ORGANISATION, 0.6486),
    ("Владимир Путин", "Vladimir Putin", PartyKind.PERSON, 1.0000),
]


@pytest.mark.parametrize(("queried", "listed", "kind", "score"), GOLDEN)
def test_logic_scores_are_what_they_were(queried: str, listed: str, kind: PartyKind, score: float) -> None:
    left, right = analyse(queried, kind, is_query=True), analyse(listed, kind)

    assert left is not None
    assert right is not None
    assert logic_score(left, right) == pytest.approx(score, abs=0.005)


def test_a_name_without_comparable_letters_is_not_analysed() -> None:
    assert analyse("...", PartyKind.PERSON) is None


@pytest.mark.parametrize("kind", list(PartyKind))
def test_scores_are_those_of_nomenklatura(kind: PartyKind) -> None:
    with PAIRS.open(encoding="utf-8") as file:
        pairs = [(row["name1"], row["name2"]) for row in csv.DictReader(file)]

    for name, other in pairs[::3]:
        queried, listed = analyse(name, kind, is_query=True), analyse(other, kind)
        if queried is not None and listed is not None:
            weights = (EXTRA_QUERY_WEIGHT, EXTRA_RESULT_WEIGHT, FAMILY_NAME_WEIGHT)
            theirs, _ = match_name_symbolic(queried.parts, listed.parts, COMPARE, *weights)
            assert logic_score(queried, listed) == pytest.approx(theirs.score), (name, other)
