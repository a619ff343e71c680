"""How common a word is among the names of people, whoever is listed: two Robert Smiths are seldom one man.

The words of an index weigh by how many listed names have them. That says little of names that are common where few
people are listed. The counts are data, which `python -m tests.bench.screening.bearers` writes.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from math import log
from typing import Any, Final

FILE: Final = "bearers.json"
LEAST: Final = 5
"""Words of fewer people count as rare."""
RAREST: Final = 3
"""A word of so few people among all would tell as much as a rare one."""


def rarities(data: Mapping[str, Any]) -> dict[str, float]:
    """Of words as they are folded: how rare they are, 0 when everybody bears one, 1 when hardly anybody does.

    data: `of`, how many people were counted, and `bearers`, the words by how many of them bear each.
    """
    of = data["of"]
    return {
        word: log(of / int(count)) / log(of / RAREST)
        for count, words in data["bearers"].items()
        for word in words.split()
    }


_RARITIES: Final = rarities(
    json.loads((files("services.screening.core") / FILE).read_text(encoding="utf-8"))
)


def rarity(word: str) -> float:
    """How rare a word is among the names of people, 0..1: by logarithm, an initial 0, a word that is not known 1."""
    return 0.0 if len(word) == 1 else _RARITIES.get(word, 1.0)
