"""Answers a value that is no country code with the standard and, if possible, the right code."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from typing import Final

Countries = Mapping[str, tuple[str, ...]]
"""English names of each country by its ISO 3166-1 alpha-2 code, the usual name first."""

_STANDARD: Final = "countries are ISO 3166-1 alpha-2 codes"
_CLOSE: Final = 0.8
"""Lowest similarity (difflib) at which a misspelt name counts as a country's: Kenia as Kenya."""


def country_sentence(value: str, countries: Countries) -> str:
    """Returns a sentence such as "countries are ISO 3166-1 alpha-2 codes; Kenya is KE"."""
    wanted = _folded(value)
    by_name = {_folded(name): code for code, names in countries.items() for name in (code, *names)}
    if wanted in by_name:
        code = by_name[wanted]
        return f"{_STANDARD}; {_name(wanted, code, countries)} is {code}"
    close = difflib.get_close_matches(wanted, by_name, n=1, cutoff=_CLOSE)
    if close:
        code = by_name[close[0]]
        return f"{_STANDARD}; did you mean {code} ({countries[code][0]})?"
    return f"{_STANDARD}, for example KE for Kenya"


def _name(wanted: str, code: str, countries: Countries) -> str:
    """Returns the spelling of the data and not the caller's, which may be anything."""
    return next((name for name in countries[code] if _folded(name) == wanted), countries[code][0])


def _folded(name: str) -> str:
    """Returns the name without case, accents, punctuation and a leading "the"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(each if each.isalnum() else " " for each in plain if each.isascii())
    return " ".join(letters.split()).removeprefix("the ")
