"""Queries for monitored parties: one for each name and identifier of the changed entries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from services.screening.core.model import Entry
from services.screening.core.names.identifiers import identifier_key
from services.screening.core.names.index import IndexedName
from services.screening.core.names.search_terms import listed_terms
from services.screening.core.names.translation_index import OrganisationName
from services.screening.core.reverse_lookup.translations import TranslationQuery


class IndexPart(Enum):
    """A part of the party index.

    Names in other scripts are a part of their own. They are found by sound, and among Latin names,
    which are found by letters, they would be crowded out.
    """

    IDENTIFIERS = "identifiers"
    LATIN_NAMES = "latin names"
    NON_LATIN_NAMES = "non-latin names"
    TRANSLATIONS = "translations"


@dataclass(frozen=True, slots=True)
class ReverseQuery:
    """A name or an identifier of changed entries, for which parties are searched.

    The other one is empty.

    identifier: a key of `names.identifiers`. row: the position of the name among the changed names.
    entry_ids: the entries that bear the name. words, key, sorted_key, skeleton and terms: forms of
    the name. translation: set if an organisation may bear the name.
    """

    identifier: str = ""
    row: int = -1
    entry_ids: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    key: str = ""
    sorted_key: str = ""
    skeleton: str = ""
    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    translation: TranslationQuery | None = None

    @property
    def rows(self) -> tuple[int, ...]:
        """The changed names to compare with: none if the identifier decides alone."""
        return () if self.identifier else (self.row,)

    @property
    def parts(self) -> tuple[IndexPart, ...]:
        """The parts of the index to search."""
        if self.identifier:
            return (IndexPart.IDENTIFIERS,)
        names = (IndexPart.LATIN_NAMES, IndexPart.NON_LATIN_NAMES)
        return names if self.translation is None else (*names, IndexPart.TRANSLATIONS)


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of the results of a query in one part of the index.

    It has the names from rank `start` to before rank `end`.
    """

    query: ReverseQuery
    part: IndexPart
    start: int
    end: int


def reverse_queries(
    rows: Iterable[IndexedName],
    entries: Sequence[Entry],
    organisations: Iterable[OrganisationName],
) -> tuple[ReverseQuery, ...]:
    """Returns the queries that find every party that may be one of these entries.

    rows: the names of the entries. organisations: those of them that organisations may bear.
    """
    translations = {name.row: TranslationQuery.of(name) for name in organisations}
    names = (
        ReverseQuery(
            row=position,
            entry_ids=frozenset(entries[name.entry].entry_id for name in row.names),
            words=row.words,
            key=row.key,
            sorted_key=" ".join(sorted(row.key.split())),
            skeleton=row.skeleton,
            terms=tuple(
                (field, tuple(sorted(set(terms))))
                for field, terms in listed_terms(row.key, row.words).items()
            ),
            translation=translations.get(position),
        )
        for position, row in enumerate(rows)
    )
    values = (value for entry in entries for _, value in entry.identifiers)
    keys = dict.fromkeys(key for value in values if (key := identifier_key(value)))
    return (*names, *(ReverseQuery(identifier=key) for key in keys))
