"""Computes the name score: the log-odds that two names belong to one party.

The score is a sum of small decision trees over the similarity features. It is fitted by gradient
boosting (Friedman, Greedy function approximation, 2001) on labelled names. The trees are monotone:
if all else is equal, a more similar name never scores lower. The trees are data. `python -m
tests.bench.screening.fit` fits them again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.screening.core.names.similarity_features import SimilarityFeatures

DEPTH: Final = 4
"""Splits on the way from the root of a tree to a leaf. Each tree is complete: 15 splits and 16
leaves.
"""
SPLITS: Final = 2**DEPTH - 1
FILE: Final = "name_score.json"


@dataclass(frozen=True)
class NameScore:
    """A sum of complete decision trees.

    A split tests whether a feature is above a threshold. From split i, no leads to 2i + 1 and yes
    to 2i + 2.

    base: log-odds before any tree. features: positions in `SimilarityFeatures`, SPLITS a tree, all
    trees in one row. thresholds: the same layout. leaves: log-odds that each leaf adds, 2 ** DEPTH
    a tree.
    """

    version: str
    base: float
    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    leaves: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "NameScore":
        """Returns the score that a JSON file describes.

        Raises ValueError if it names an unknown feature.
        """
        trees = data["trees"]
        position = {name: at for at, name in enumerate(SimilarityFeatures._fields)}
        unknown = {name for tree in trees for name, _ in tree["splits"]} - set(position)
        if unknown:
            raise ValueError(
                f"name score {data['version']} uses unknown features: {', '.join(sorted(unknown))}"
            )
        features = [position[name] for tree in trees for name, _ in tree["splits"]]
        thresholds = [threshold for tree in trees for _, threshold in tree["splits"]]
        return cls(
            data["version"],
            data["base"],
            tuple(features),
            tuple(thresholds),
            tuple(tuple(tree["leaves"]) for tree in trees),
        )

    @cached_property
    def _arrays(self) -> "_Arrays":
        root = np.arange(len(self.leaves)) * SPLITS
        return _Arrays(
            np.array(self.features, np.intp),
            np.array(self.thresholds, np.float64),
            np.array(self.leaves, np.float64).ravel(),
            root,
            1 - root,
            np.arange(len(self.leaves)) * 2**DEPTH - root - SPLITS,
        )

    def log_odds(self, names: Sequence[SimilarityFeatures]) -> list[float]:
        """Returns, for each comparison, the log-odds that the names belong to one party.

        Facts beside the names are not part of it.
        """
        # All trees go one level down at once, so that no Python loop runs over hundreds of trees.
        if not names:
            return []
        trees = self._arrays
        values = np.array(names, np.float64)
        row_start = np.arange(len(names))[:, None] * values.shape[1]
        values = values.ravel()
        split = np.empty((len(names), len(self.leaves)), np.intp)
        split[:] = trees.root
        for _ in range(DEPTH):
            feature = trees.features.take(split) + row_start
            is_above = values.take(feature) > trees.thresholds.take(split)
            split += split
            split += trees.to_no
            split += is_above
        found = trees.leaves.take(split + trees.to_leaf).sum(axis=1) + self.base
        log_odds: list[float] = found.tolist()
        return log_odds


class _Arrays(NamedTuple):
    """The trees one after the other in flat arrays.

    root: the position of each tree's first split. to_no: added to twice a split's position, it
    gives the split behind no. to_leaf: added to a position behind the last split, it gives the
    leaf.
    """

    features: NDArray[np.intp]
    thresholds: NDArray[np.float64]
    leaves: NDArray[np.float64]
    root: NDArray[np.intp]
    to_no: NDArray[np.intp]
    to_leaf: NDArray[np.intp]


@cache
def shipped_score() -> NameScore:
    """Returns the score in the file beside this module."""
    text = (files(__package__) / FILE).read_text(encoding="utf-8")
    return NameScore.of(json.loads(text))
