"""Words of places, which many firms are called after: Buenos Aires Servicios is not known by Buenos Aires.

Cities of 300,000 and more, and countries; without words that people bear as names. Data, which
`python -m tests.bench.screening.places` writes from GeoNames (geonames.org, CC BY 4.0).
"""

import json
from importlib.resources import files
from typing import Final

FILE: Final = "places.json"

_WORDS: Final = frozenset(
    word
    for line in json.loads((files("services.screening.core") / FILE).read_text(encoding="utf-8"))["words"]
    for word in line.split()
)


def is_place(word: str) -> bool:
    """Whether a folded word is of the name of a place, and hardly anybody's own."""
    return word in _WORDS
