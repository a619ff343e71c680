"""Words of places in names. A place does not identify a firm: many are named after Buenos Aires.

The file beside this module holds words of countries and of cities with 300,000 people or more,
without words that are also names of people. It also holds names of countries, their peoples and
capitals in many languages, of one or two words. `python -m tests.bench.screening.places` writes it
from GeoNames (geonames.org, CC BY 4.0) and rigour.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Final

FILE: Final = "places.json"
_DATA: Final = json.loads((files(__package__) / FILE).read_text(encoding="utf-8"))
_WORDS: Final = frozenset(word for line in _DATA["words"] for word in line.split())
_COUNTRIES: Final = {
    name: code for code, names in _DATA["countries"].items() for name in names.split(", ")
}


def is_place_word(word: str) -> bool:
    """Returns whether a normalised word is part of a place name and hardly ever a person's name."""
    return word in _WORDS


def countries_in(words: Sequence[str]) -> dict[str, str]:
    """Returns the countries that normalised words name, by code, with the words written.

    The code is ISO 3166-1 alpha-2. Two countries that share a short name count as one (Korea,
    Congo, Sudan), because names seldom say which of them is meant.
    """
    written = (*words, *(f"{one} {other}" for one, other in pairwise(words)))
    return {code: text for text in written if (code := _COUNTRIES.get(text)) is not None}
