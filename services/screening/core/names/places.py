"""What names say of places. Many firms are called after one: Buenos Aires Servicios is not known by Buenos Aires.

Words of cities of 300,000 and more, and of countries, without words that people bear as names; and what countries,
their peoples and capitals are called, in one word or two, in many languages. Data, which
`python -m tests.bench.screening.places` writes from GeoNames (geonames.org, CC BY 4.0) and rigour.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Final

FILE: Final = "places.json"
_DATA: Final = json.loads((files("services.screening.core") / FILE).read_text(encoding="utf-8"))
_WORDS: Final = frozenset(word for line in _DATA["words"] for word in line.split())
_COUNTRIES: Final = {
    name: code for code, names in _DATA["countries"].items() for name in names.split(", ")
}


def is_place(word: str) -> bool:
    """Whether a folded word is of the name of a place, and hardly anybody's own."""
    return word in _WORDS


def countries_in(words: Sequence[str]) -> dict[str, str]:
    """The countries that folded words name, by ISO 3166-1 alpha-2 code, each with what was written.

    Countries that are called by one word, which of them is seldom said, are one: Korea, Congo, Sudan.
    """
    written = (*words, *(f"{one} {other}" for one, other in pairwise(words)))
    return {code: text for text in written if (code := _COUNTRIES.get(text)) is not None}
