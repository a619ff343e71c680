"""Converts country names, as publishers write them, to ISO 3166-1 alpha-2 codes."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rigour.territories import lookup_territory

_CODE_LENGTH: Final = 2


@lru_cache(maxsize=2048)
def country_code(name: str) -> str | None:
    """Returns the ISO 3166-1 alpha-2 code of a country by its name or code, None if unknown."""
    text = " ".join(name.split())
    if len(text) == _CODE_LENGTH and text.isascii() and text.isalpha():
        return text.upper()
    found = lookup_territory(text) if text else None
    code = "" if found is None else str(found.code)
    return code.upper() if len(code) == _CODE_LENGTH else None


def country_codes(names: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the codes of the names that are known, in order, without duplicates."""
    return tuple(dict.fromkeys(code for name in names if (code := country_code(name)) is not None))
