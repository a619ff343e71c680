"""Settings under their old names: they are read for one release, with a warning.

A field declares its old name (`chassis.settings.variable`). After the release the declaration is
deleted, and the old variable is ignored like any other foreign one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RenamedVariable:
    """A variable whose name has changed. Names are whole: `SAFECONDUCT_GRPC_LISTEN_ADDRESS`."""

    field: str
    old: str
    new: str

    def is_used(self, environment: Mapping[str, str]) -> bool:
        """Returns whether the old name is set. An empty variable counts as not set."""
        return bool(environment.get(self.old))

    def is_contradicted(self, environment: Mapping[str, str]) -> bool:
        """Returns whether both names are set and to different values."""
        new = environment.get(self.new)
        return self.is_used(environment) and bool(new) and new != environment[self.old]

    @property
    def warning(self) -> str:
        """Returns the sentence that asks an operator to use the new name."""
        return f"{self.old} is now called {self.new}; the next release will not read the old name"

    @property
    def contradiction(self) -> str:
        """Returns the error for two different values."""
        return (
            f"{self.new} and {self.old}, its old name, have different values; set only {self.new}"
        )


def values_under_old_names(
    variables: Iterable[RenamedVariable], environment: Mapping[str, str]
) -> dict[str, str]:
    """Returns values by field, for the fields that are set under their old name only."""
    return {
        each.field: environment[each.old]
        for each in variables
        if each.is_used(environment) and not environment.get(each.new)
    }
