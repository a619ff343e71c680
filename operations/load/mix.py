"""Which applications are offered, and how often each: files with weights."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from safeconduct.applications.v1 import model_pb2
from safeconduct.cli.application_file import read_application

from operations.complaints import Unusable


@dataclass(frozen=True, slots=True)
class Mix:
    """Applications by name, each with its weight."""

    details: dict[str, model_pb2.ApplicationDetails]
    weights: dict[str, float]

    def pick(self, chance: random.Random) -> str:
        """The name of the next one."""
        return chance.choices(list(self.weights), list(self.weights.values()))[0]


def read_mix(parts: Iterable[str], now: datetime) -> Mix:
    """From `FILE` or `FILE=WEIGHT` each. Raises Unusable for a bad weight, FileError for a file that cannot be read."""
    details: dict[str, model_pb2.ApplicationDetails] = {}
    weights: dict[str, float] = {}
    for part in parts:
        name, _, weight = part.partition("=")
        file = Path(name)
        details[file.stem] = read_application(file, now)
        weights[file.stem] = weights.get(file.stem, 0) + _weight(part, weight or "1")
    if not details:
        raise Unusable("NO_MIX", "nothing to offer: give at least one --mix FILE")
    return Mix(details, weights)


def _weight(part: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise Unusable("BAD_WEIGHT", f"--mix {part}: the weight must be a number above 0")
    return weight
