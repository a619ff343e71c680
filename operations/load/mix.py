"""The mix of a load test: application files with weights."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from safeconduct.applications.v1 import model_pb2
from safeconduct.cli.application_file import read_application

from operations.error_messages import InputError


@dataclass(frozen=True, slots=True)
class Mix:
    """Applications and their weights, by file name without its suffix."""

    details: dict[str, model_pb2.ApplicationDetails]
    weights: dict[str, float]

    def pick(self, generator: random.Random) -> str:
        """Returns the name of an application, drawn by weight."""
        return generator.choices(list(self.weights), list(self.weights.values()))[0]


def read_mix(parts: Iterable[str], now: datetime) -> Mix:
    """Returns the mix of parts `FILE` or `FILE=WEIGHT`.

    Times in the files may be relative to `now`. Raises InputError for a bad weight or an empty mix,
    and FileError for a file that cannot be read.
    """
    details: dict[str, model_pb2.ApplicationDetails] = {}
    weights: dict[str, float] = {}
    for part in parts:
        name, _, weight = part.partition("=")
        file = Path(name)
        details[file.stem] = read_application(file, now)
        weights[file.stem] = weights.get(file.stem, 0) + _weight(part, weight or "1")
    if not details:
        raise InputError("NO_MIX", "the mix is empty: give at least one --mix FILE")
    return Mix(details, weights)


def _weight(part: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise InputError("BAD_WEIGHT", f"--mix {part}: the weight must be a number greater than 0")
    return weight
