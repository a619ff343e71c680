"""Limits what one screening may cost.

The budget knows no clock. The caller decides when it is spent.
"""

from collections.abc import Callable
from dataclasses import dataclass


def unlimited() -> bool:
    """Returns False: a budget that is never spent."""
    return False


@dataclass(slots=True)
class Budget:
    """The budget of one screening.

    is_spent: called before each piece of work, so it must be cheap. Once it returns True it must
    stay True. was_cut: whether some work was left undone.
    """

    is_spent: Callable[[], bool] = unlimited
    was_cut: bool = False

    def allows(self) -> bool:
        """Returns whether the next piece of work may be done.

        After the first False it returns False for ever.
        """
        self.was_cut = self.was_cut or self.is_spent()
        return not self.was_cut
