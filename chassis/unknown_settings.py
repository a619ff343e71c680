"""Variables with our prefix that no setting reads: misspelled ones, and those of somebody else.

A misspelled setting is refused, because its default would be used without a word. Any other unknown
variable gets a warning only: one environment may serve several releases, services and commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

# Kubernetes adds such variables for each Service of the namespace ("docker links").
_SERVICE_LINK: Final = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$"
)
# Two letters that are swapped, missing or superfluous in a name of ten.
_LIKENESS: Final = 0.88


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A variable that no setting reads. `like` is the setting that its author probably meant."""

    name: str
    like: str | None

    @property
    def text(self) -> str:
        """Returns a sentence without the value."""
        if self.like is None:
            return f"{self.name} is no setting of this service and is ignored"
        return f"{self.name} is no setting; did you mean {self.like}?"


def unknown_variables(
    prefix: str, known: Iterable[str], environment: Mapping[str, str]
) -> tuple[UnknownVariable, ...]:
    """Returns the variables with the prefix that are not `known`, sorted. Empty ones do not count.

    `known` are whole names. Only a setting without a value can have been meant by another name.
    """
    names = frozenset(known)
    unset = sorted(name for name in names if not environment.get(name))
    return tuple(
        UnknownVariable(name, _like(name, unset, len(prefix)))
        for name, value in sorted(environment.items())
        if name.startswith(prefix) and value and name not in names
        if not _SERVICE_LINK.search(name)
    )


def _like(name: str, candidates: Iterable[str], prefix: int) -> str | None:
    by_rest = {each[prefix:]: each for each in candidates}
    found = get_close_matches(name[prefix:], by_rest, 1, _LIKENESS)
    return by_rest[found[0]] if found else None
