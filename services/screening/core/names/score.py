"""The name score: what likenesses of two names come to. A sum of small decision trees, data that `fit` writes.

Gradient boosting (Friedman, Greedy function approximation, 2001) over likenesses, its trees bound to be monotone: a
name that is more alike in any respect, all else the same, never scores lower. Which respects count how much was fitted
on labelled names; `python -m tests.bench.screening.fit` does it again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.screening.core.names.similarity_features import Likeness

DEPTH: Final = 4
"""Questions that are asked on the way to an end of a tree, one after the other: of 15 in all, to one of 16 ends."""
QUESTIONS: Final = 2**DEPTH - 1
FILE: Final = "name_score.json"


@dataclass(frozen=True)
class NameScore:
    """Trees of DEPTH questions each. A question: is this likeness above this limit. Ends are parts of log-odds.

    asked: the likenesses asked about, by position, QUESTIONS a tree in one row; limits: likewise; ends: 2 ** DEPTH a
    tree; base: the log-odds before any tree. A no leads from question i to 2i + 1, a yes to 2i + 2.
    """

    version: str
    base: float
    asked: tuple[int, ...]
    limits: tuple[float, ...]
    ends: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "NameScore":
        """The score as it is written in a file; ValueError when it asks about a likeness that there is not."""
        trees = data["trees"]
        position = {name: at for at, name in enumerate(Likeness._fields)}
        unknown = {name for tree in trees for name, _ in tree["questions"]} - set(position)
        if unknown:
            raise ValueError(
                f"the name score {data['version']} asks about {', '.join(sorted(unknown))}"
            )
        asked = [position[name] for tree in trees for name, _ in tree["questions"]]
        limits = [limit for tree in trees for _, limit in tree["questions"]]
        return cls(
            data["version"],
            data["base"],
            tuple(asked),
            tuple(limits),
            tuple(tuple(tree["ends"]) for tree in trees),
        )

    @cached_property
    def _arrays(self) -> "_Arrays":
        """The trees, to be asked about many names at once."""
        first = np.arange(len(self.ends)) * QUESTIONS
        return _Arrays(
            np.array(self.asked, np.intp),
            np.array(self.limits, np.float64),
            np.array(self.ends, np.float64).ravel(),
            first,
            1 - first,
            np.arange(len(self.ends)) * 2**DEPTH - first - QUESTIONS,
        )

    def log_odds(self, names: Sequence[Likeness]) -> list[float]:
        """The log-odds that each is a name of the same party, facts beside the names aside."""
        if not names:
            return []
        trees = self._arrays
        told = np.array(names, np.float64)
        each = np.arange(len(names))[:, None] * told.shape[1]
        told = told.ravel()
        question = np.empty((len(names), len(self.ends)), np.intp)
        question[:] = trees.first
        for _ in range(DEPTH):
            is_above = told.take(trees.asked.take(question) + each) > trees.limits.take(question)
            question += question
            question += trees.to_no
            question += is_above
        found = trees.ends.take(question + trees.to_end).sum(axis=1) + self.base
        values: list[float] = found.tolist()
        return values


class _Arrays(NamedTuple):
    """asked, limits and ends one after the other. first: the place of each tree's first question.

    to_no and to_end: what leads from twice a question's place to that of its no, and from behind the last to its end.
    """

    asked: NDArray[np.intp]
    limits: NDArray[np.float64]
    ends: NDArray[np.float64]
    first: NDArray[np.intp]
    to_no: NDArray[np.intp]
    to_end: NDArray[np.intp]


@cache
def fitted() -> NameScore:
    """The score that is shipped."""
    return NameScore.of(
        json.loads((files("services.screening.core") / FILE).read_text(encoding="utf-8"))
    )
