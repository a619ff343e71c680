"""The adapter to logic-v2, guarded by golden scores: a release that judges differently must be noticed."""

import pytest

from services.screening.core.model import PartyKind
from services.screening.core.score import analyse, logic_score

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
