"""No score changes silently: another score is another version of the configuration."""

from services.screening.core.config import DEFAULT
from tests.screening.core.golden import changed, recorded, scored


def test_a_changed_score_has_a_changed_version() -> None:
    before = recorded()

    assert {pair.version for pair in before} == {DEFAULT.version}, (
        "python -m tests.screening.core.golden"
    )
    assert changed(before, scored(before)) == ()


def test_the_recorded_scores_reach_from_nothing_to_the_same_name() -> None:
    scores = [pair.score for pair in recorded()]

    assert min(scores) < DEFAULT.threshold / 2
    assert max(scores) == 1.0
    assert sum(score < DEFAULT.threshold for score in scores) > len(scores) / 5
