"""Which parties a change of the lists may concern: those that resemble one of the entries that it adds or changes."""

from collections.abc import Sequence
from functools import lru_cache

from services.screening.core.config import ScreeningConfig
from services.screening.core.index import Generation
from services.screening.core.model import Entry, PartyQuery
from services.screening.core.screen import screen


def touched(
    generation: Generation, entries: tuple[Entry, ...], groups: Sequence[Sequence[PartyQuery]], config: ScreeningConfig
) -> tuple[bool, ...]:
    """For each group of parties whether any of them may be one of these entries, scored as in the whole generation."""
    small = _among(_Held(generation), entries)
    return tuple(any(screen(small, query, config).hits for query in group) for group in groups)


class _Held:
    """A generation as a key: what is in it is too much to compare."""

    __slots__ = ("generation",)

    def __init__(self, generation: Generation) -> None:
        self.generation = generation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.generation is other.generation

    def __hash__(self) -> int:
        return hash(self.generation.list_version_id)


@lru_cache(maxsize=1)
def _among(held: _Held, entries: tuple[Entry, ...]) -> Generation:
    # Many groups are asked about in parts: the index of a large change is built once.
    return held.generation.among(entries)
