"""Ids of principals: one spelling for one principal.

Ids are lower case by pattern, and compared as they are. Two ids that a reader takes for one have
the same skeleton, as in Unicode Technical Standard 39, section 4, for the characters of the
pattern. In addition, separators are left out, so that `a-1`, `a_1` and `a1` have one skeleton.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SEGMENT: Final = "[a-z0-9][a-z0-9._-]{0,62}"
"""Pattern of an id inside a SPIFFE path."""

_SAME: Final = (("0", "o"), ("1", "l"), ("rn", "m"), ("vv", "w"))
_WITHOUT_SEPARATORS: Final = str.maketrans("", "", "._-")


def skeleton(principal_id: str) -> str:
    """Returns the text that two ids share if a reader may take one for the other."""
    found = principal_id.translate(_WITHOUT_SEPARATORS)
    for written, read in _SAME:
        found = found.replace(written, read)
    return found


def confusable_pairs(ids: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Returns the places of two ids with the same skeleton: of the first one, and of a later one.

    An id that stands twice is such a pair, too.
    """
    first_places: dict[str, int] = {}
    return tuple(
        (first, place)
        for place, each in enumerate(ids)
        if (first := first_places.setdefault(skeleton(each), place)) != place
    )
