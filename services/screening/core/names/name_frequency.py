"""How rare a word is among the names of people in general.

Two people called Robert Smith are seldom the same person. `WordWeights` counts listed names only,
and says little about names that are common in countries where few people are listed. The counts are
data in the file beside this module; `python -m tests.bench.screening.name_frequency` writes it.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from math import log
from typing import Any, Final

FILE: Final = "name_frequency.json"
MIN_PEOPLE: Final = 5
"""Words that fewer people bear are not in the file and count as rare."""
RAREST: Final = 3
"""A word that this many people bear would have rarity 1."""


def rarities_of(data: Mapping[str, Any]) -> dict[str, float]:
    """Returns the rarity of each normalised word: 0 if everyone bears it, 1 if hardly anyone does.

    data: `people`, how many people were counted, and `words_by_people`, words by the number of
    people who bear them.
    """
    people = data["people"]
    return {
        word: log(people / int(count)) / log(people / RAREST)
        for count, words in data["words_by_people"].items()
        for word in words.split()
    }


_RARITIES: Final = rarities_of(json.loads((files(__package__) / FILE).read_text(encoding="utf-8")))


def rarity(word: str) -> float:
    """Returns how rare a word is among the names of people, 0..1 on a logarithmic scale.

    An initial has rarity 0, an unknown word 1.
    """
    return 0.0 if len(word) == 1 else _RARITIES.get(word, 1.0)
