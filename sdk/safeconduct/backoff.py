"""How long to wait before calling again: doubling, capped, and jittered so that callers do not come back together."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Waiting times, seconds: between half and all of `first`, then of twice as much, never more than `most`."""

    first: float = 0.1
    most: float = 5.0
    _next: float = field(init=False, default=0.0)

    def reset(self) -> None:
        """Begin again: something got through."""
        self._next = 0.0

    def step(self, at_least: float = 0.0) -> float:
        """The next waiting time; not below what the other side asked for."""
        self._next = min(max(self.first, self._next * 2), self.most)
        jittered = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, guards nothing
        return max(jittered, at_least * random.uniform(1.0, 1.2))  # noqa: S311 - same
