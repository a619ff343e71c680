"""Exponential backoff with jitter, so that callers do not retry all at once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Yields seconds: `first`, doubled each time up to `most`, each times 0.5 to 1."""

    first: float = 0.1
    most: float = 5.0
    _next: float = field(init=False, default=0.0)

    def reset(self) -> None:
        """Starts again with `first`, after an attempt succeeded."""
        self._next = 0.0

    def step(self, at_least: float = 0.0) -> float:
        """The next waiting time in seconds, not below `at_least`, which the server asked for."""
        self._next = min(max(self.first, self._next * 2), self.most)
        jittered = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, protects nothing
        return max(jittered, at_least * random.uniform(1.0, 1.2))  # noqa: S311 - same
