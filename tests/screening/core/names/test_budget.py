"""The budget of one screening."""

from services.screening.core.names.budget import Budget


def test_an_unlimited_budget_allows_everything_and_is_never_cut() -> None:
    budget = Budget()

    assert budget.allows()
    assert not budget.was_cut


def test_a_spent_budget_allows_nothing_for_ever_even_if_the_caller_changes_its_mind() -> None:
    answers = iter([False, True, False])
    budget = Budget(lambda: next(answers))

    assert [budget.allows() for _ in range(3)] == [True, False, False]
    assert budget.was_cut
