"""The index of monitored parties: finds parties by a listed name or identifier.

It is the list index in the other direction. A change of the lists is small and the monitored
parties are many, so the changed entries are searched among the parties. The index returns
candidates, most similar first. `search` then decides by the rules of a full screening. The index
grows with the parties. One thread may use it at a time.
"""

import marshal
from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from services.screening.core.model import PartyKind, PartyQuery
from services.screening.core.names.identifiers import identifier_key, without_country_prefix
from services.screening.core.names.normalisation import NormalisedName, normalise
from services.screening.core.names.variants import variants_of
from services.screening.core.reverse_lookup.party_name_index import (
    MIN_NON_LATIN_SIMILARITY,
    MIN_SIMILARITY,
    PartyNameIndex,
)
from services.screening.core.reverse_lookup.query import IndexPart, QueryPage

MAX_NAME_LENGTH: Final = 500
"""Names with more characters are not indexed. Screening does not judge them either."""
KINDS: Final = {kind.value: kind for kind in PartyKind}

A = TypeVar("A", bound=Hashable)


@dataclass(frozen=True, slots=True)
class IndexedParty(Generic[A]):
    """A party in the index and its application. number: unique in the index."""

    number: int
    application: A
    query: PartyQuery


@dataclass(frozen=True, slots=True)
class Candidates(Generic[A]):
    """Parties that a page of a query found, most similar first, each with its margin.

    The margin is how far the party's name is above the minimum similarity. last_margin: the margin
    of the last name if the next page may have candidates too, else None.
    """

    parties: tuple[tuple[IndexedParty[A], float], ...]
    last_margin: float | None = None


class PartyIndex(Generic[A]):
    """The parties of applications.

    A party is found after the next `commit`. A removed party is never found, even before the
    commit.
    """

    def __init__(self) -> None:
        self._queries: list[bytes | None] = []
        self._applications: list[A] = []
        self._of: dict[A, tuple[int, int, int]] = {}
        """Application to its version, its first party's number and its number of parties."""
        self._identifiers: dict[str, array[int]] = {}
        self._names = {
            IndexPart.LATIN_NAMES: PartyNameIndex(MIN_SIMILARITY),
            IndexPart.NON_LATIN_NAMES: PartyNameIndex(MIN_NON_LATIN_SIMILARITY),
        }
        self.removed = 0
        """Removed parties that still use memory."""

    def __len__(self) -> int:
        """Returns the number of parties that can be found."""
        return len(self._queries) - self.removed

    def __iter__(self) -> Iterator[IndexedParty[A]]:
        """Yields all parties that can be found."""
        return self._parties(range(len(self._queries)))

    def version_of(self, application: A) -> int:
        """Returns the version with which the application was put, 0 for an unknown application."""
        return self._of.get(application, (0, 0, 0))[0]

    def put(self, application: A, version: int, parties: Sequence[PartyQuery]) -> None:
        """Replaces the parties of an application."""
        _, first, count = self._of.get(application, (0, 0, 0))
        packed = [_packed(query) for query in parties]
        if packed == self._queries[first : first + count] and application in self._of:
            self._of[application] = version, first, count
            return
        self.remove(application)
        first = len(self._queries)
        self._of[application] = version, first, len(packed)
        self._queries.extend(packed)
        self._applications.extend([application] * len(packed))
        for number, query in enumerate(parties, first):
            for _, value in query.identifiers:
                for key in _identifier_keys(value):
                    self._identifiers.setdefault(key, array("I")).append(number)
            for name in _names(query):
                part = IndexPart.NON_LATIN_NAMES if name.is_non_latin else IndexPart.LATIN_NAMES
                self._names[part].add(name, query.kind, number)

    def remove(self, application: A) -> None:
        """Removes the parties of an application.

        Their memory is freed only with the whole index.
        """
        _, first, count = self._of.pop(application, (0, 0, 0))
        self._queries[first : first + count] = [None] * count
        self.removed += count

    def commit(self) -> None:
        """Makes all added parties findable."""
        for names in self._names.values():
            names.commit()

    def candidates(self, page: QueryPage) -> Candidates[A]:
        """Returns the parties of one page.

        An identifier returns all parties that have it on its first page.
        """
        if page.part is IndexPart.IDENTIFIERS:
            numbers = self._identifiers.get(page.query.identifier, ()) if page.start == 0 else ()
            return Candidates(tuple((party, 0.0) for party in self._parties(numbers)))
        if page.part is IndexPart.TRANSLATIONS:
            found = [(names, names.translations(page)) for names in self._names.values()]
        else:
            names = self._names[page.part]
            found = [(names, names.most_similar(page.query, page.start, page.end))]
        margins: dict[int, float] = {}
        for names, (rows, _) in found:
            for row, margin in rows:
                for number in names.parties_with(row):
                    margins[number] = max(margin, margins.get(number, margin))
        last = max((last for _, (_, last) in found if last is not None), default=None)
        parties = ((party, margins[party.number]) for party in self._parties(margins))
        return Candidates(tuple(parties), last)

    def _parties(self, numbers: Iterable[int]) -> Iterator[IndexedParty[A]]:
        for number in numbers:
            packed = self._queries[number]
            if packed is not None:
                yield IndexedParty(number, self._applications[number], _unpacked(packed))


def _identifier_keys(value: str) -> tuple[str, ...]:
    """Returns the keys of listed identifiers that an identifier equals.

    These are its own key and its key without country prefix.
    """
    key = identifier_key(value)
    return tuple(dict.fromkeys((key, without_country_prefix(key)))) if key else ()


def _names(query: PartyQuery) -> Iterable[NormalisedName]:
    """Returns every variant of every name, each once."""
    names: dict[str, NormalisedName] = {}
    for text in query.names:
        name = normalise(text.strip()) if len(text) <= MAX_NAME_LENGTH else None
        if name is not None and name.key:
            for variant in variants_of(text.strip(), name, query.kind):
                names.setdefault(variant.name.key, variant.name)
    return names.values()


def _packed(query: PartyQuery) -> bytes:
    # A seventh of the memory of the values themselves: a million parties are kept.
    return marshal.dumps(
        (
            query.names,
            query.kind.value,
            query.birth_date,
            query.countries,
            query.identifiers,
            query.addresses,
        )
    )


def _unpacked(packed: bytes) -> PartyQuery:
    names, kind, birth_date, countries, identifiers, addresses = marshal.loads(packed)  # noqa: S302 - our own
    return PartyQuery(names, KINDS[kind], birth_date, countries, identifiers, addresses)
