"""Parties by their names, so that a listed name finds them: the index of the lists turned round.

A change of the lists is small and the monitored parties are many, so what changed is looked up among the parties. The
index brings who resembles a listed name, closest first; whether somebody is that party is judged by the rule that a
new party is judged by (`changes`). It grows as parties come, and is for one thread at a time.
"""

import marshal
from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from services.screening.core.model import PartyKind, PartyQuery
from services.screening.core.names.identifiers import COUNTRY_PREFIX, identifier_key
from services.screening.core.names.normalisation import NormalisedName, normalise
from services.screening.core.names.variants import variants_of
from services.screening.core.reverse_lookup.party_name_index import (
    NEAR,
    NEAR_BY_SOUND,
    PartyNameIndex,
)
from services.screening.core.reverse_lookup.query import Place, Span

LONGEST: Final = 500
"""Characters of a name beyond which nobody judges it."""

A = TypeVar("A", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Held(Generic[A]):
    """A party that the index has, and whose it is. number: another one for each."""

    number: int
    application: A
    query: PartyQuery


@dataclass(frozen=True, slots=True)
class Found(Generic[A]):
    """Parties in order of likeness, and how far each is above what is near.

    last: the same of the last name where the next ones are near too, else None.
    """

    parties: tuple[tuple[Held[A], float], ...]
    last: float | None = None


class PartyIndex(Generic[A]):
    """The parties of applications. What was put is found once the index has settled; what was dropped never is."""

    def __init__(self) -> None:
        self._queries: list[bytes | None] = []
        self._applications: list[A] = []
        self._of: dict[A, tuple[int, int, int]] = {}
        self._identifiers: dict[str, array[int]] = {}
        self._shelves = {
            Place.LATIN: PartyNameIndex(NEAR),
            Place.FOREIGN: PartyNameIndex(NEAR_BY_SOUND),
        }
        self.dropped = 0
        """Parties that still take room."""

    def __len__(self) -> int:
        """Parties that can be found."""
        return len(self._queries) - self.dropped

    def __iter__(self) -> Iterator[Held[A]]:
        """All of them."""
        return self._held(range(len(self._queries)))

    def version_of(self, application: A) -> int:
        """The version with which the application was put; 0 for one that is not here."""
        return self._of.get(application, (0, 0, 0))[0]

    def put(self, application: A, version: int, parties: Sequence[PartyQuery]) -> None:
        """These are the application's parties now, in place of earlier ones."""
        _, first, count = self._of.get(application, (0, 0, 0))
        said = [_packed(query) for query in parties]
        if said == self._queries[first : first + count] and application in self._of:
            self._of[application] = version, first, count
            return
        self.drop(application)
        first = len(self._queries)
        self._of[application] = version, first, len(said)
        self._queries.extend(said)
        self._applications.extend([application] * len(said))
        for number, query in enumerate(parties, first):
            for _, value in query.identifiers:
                for key in _identifier_keys(value):
                    self._identifiers.setdefault(key, array("I")).append(number)
            for name in _names(query):
                self._shelves[Place.FOREIGN if name.is_non_latin else Place.LATIN].put(
                    name, query.kind, number
                )

    def drop(self, application: A) -> None:
        """The application is of no interest any more."""
        _, first, count = self._of.pop(application, (0, 0, 0))
        self._queries[first : first + count] = [None] * count
        self.dropped += count

    def settle(self) -> None:
        """From now on all that was put is found."""
        for shelf in self._shelves.values():
            shelf.settle()

    def closest(self, span: Span) -> Found[A]:
        """Who resembles what is wanted, in order of likeness. A number brings everybody who has it at once."""
        if span.place is Place.NUMBERS:
            having = self._identifiers.get(span.wanted.identifier, ()) if span.start == 0 else ()
            return Found(tuple((party, 0.0) for party in self._held(having)))
        if span.place is Place.KIN:
            found = [(shelf, shelf.kin(span)) for shelf in self._shelves.values()]
        else:
            shelf = self._shelves[span.place]
            found = [(shelf, shelf.closest(span.wanted, span.start, span.end))]
        parties: dict[int, float] = {}
        for shelf, (rows, _) in found:
            for row, above in rows:
                for number in shelf.bearers(row):
                    parties[number] = max(above, parties.get(number, above))
        last = max((last for _, (_, last) in found if last is not None), default=None)
        return Found(tuple((party, parties[party.number]) for party in self._held(parties)), last)

    def _held(self, numbers: Iterable[int]) -> Iterator[Held[A]]:
        for number in numbers:
            packed = self._queries[number]
            if packed is not None:
                yield Held(number, self._applications[number], _unpacked(packed))


def _identifier_keys(value: str) -> tuple[str, ...]:
    """By which listed identifiers a number is found: as it is, and without the letters of a country before it."""
    key = identifier_key(value)
    return tuple(dict.fromkeys((key, COUNTRY_PREFIX.sub("", key)))) if key else ()


def _names(query: PartyQuery) -> Iterable[NormalisedName]:
    """Every name in all the ways in which it may be read."""
    names: dict[str, NormalisedName] = {}
    for text in query.names:
        name = normalise(text.strip()) if len(text) <= LONGEST else None
        if name is not None and name.key:
            for variant in variants_of(text.strip(), name, query.kind):
                names.setdefault(variant.name.key, variant.name)
    return names.values()


KINDS: Final = {kind.value: kind for kind in PartyKind}


def _packed(query: PartyQuery) -> bytes:
    # A seventh of the memory of the values themselves.
    kept = (
        query.names,
        query.kind.value,
        query.birth_date,
        query.countries,
        query.identifiers,
        query.addresses,
    )
    return marshal.dumps(kept)


def _unpacked(packed: bytes) -> PartyQuery:
    names, kind, birth_date, countries, identifiers, addresses = marshal.loads(packed)  # noqa: S302 - our own
    return PartyQuery(names, KINDS[kind], birth_date, countries, identifiers, addresses)
