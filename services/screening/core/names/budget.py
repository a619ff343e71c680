"""How much one screening may cost. Knows no clock: the caller says when it is enough."""

from collections.abc import Callable
from dataclasses import dataclass


def unlimited() -> bool:
    """A budget that is never spent."""
    return False


@dataclass(slots=True)
class Budget:
    """The budget of one screening. is_spent.

    Asked before each piece of work, so cheap; once true, true for good.

    was_cut: whether some work was left undone.
    """

    is_spent: Callable[[], bool] = unlimited
    was_cut: bool = False

    def allows(self) -> bool:
        """Whether the next piece of work may be done. Once it may not, nothing may."""
        self.was_cut = self.was_cut or self.is_spent()
        return not self.was_cut
