"""Finds the monitored parties that are hits of changed list entries.

The search runs in rounds. A round asks the party index for a page of each query, screens the
candidates against the changed names, and asks for the next page where hits go on to the end of this
one. So a name that thousands of parties resemble is followed to its end. Hits have the scores that
a full screening gives them.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final, Generic, NamedTuple, TypeVar

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.matching.supporting_facts import facts
from services.screening.core.model import Entry, Hit, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import NormalisedName
from services.screening.core.names.translation_index import TranslationIndex
from services.screening.core.reverse_lookup.index import Candidates, IndexedParty
from services.screening.core.reverse_lookup.party_name_index import SIMILARITY_PER_LOG_ODDS
from services.screening.core.reverse_lookup.query import (
    IndexPart,
    QueryPage,
    ReverseQuery,
    reverse_queries,
)

FIRST_PAGE: Final = 30
"""Names of parties on the first page of a query. Each next page reaches to four times the rank."""
PAGE_GROWTH: Final = 4
NEAR_LAST: Final = 10.0
"""If a hit's margin is this little above the last margin of a page, the next page may have hits
too.
"""
NO_TRANSLATIONS: Final = TranslationIndex.build(())

A = TypeVar("A", bound=Hashable)


class CheckRequest(NamedTuple):
    """A request to screen a party against changed names.

    rows: the positions of the names; empty if only identifiers agree. margin: the highest margin of
    the party's names. is_translation: the party's name may translate or abbreviate one of the
    names.
    """

    query: PartyQuery
    rows: tuple[int, ...]
    margin: float
    is_translation: bool


@dataclass(frozen=True, slots=True)
class CandidateCheck(Generic[A]):
    """A candidate and the request that checks it."""

    party: IndexedParty[A]
    request: CheckRequest


class Search(Generic[A]):
    """The state of a search. The caller queries the index and screens the candidates.

    In each round it passes the results of `pages` to `checks`, and the hits of these checks to
    `record`. Several calls of `record` may share a round. The search ends if there are no more
    pages.

    queries: from `queries_for`. is_relevant: whether an application's parties are searched for.
    """

    def __init__(
        self, queries: Sequence[ReverseQuery], is_relevant: Callable[[A], bool] = lambda _: True
    ) -> None:
        self._is_relevant = is_relevant
        self._pages = tuple(
            QueryPage(query, part, 0, FIRST_PAGE) for query in queries for part in query.parts
        )
        self._results: tuple[tuple[QueryPage, Candidates[A]], ...] = ()
        self._checked: dict[int, set[tuple[int, bool]]] = defaultdict(set)
        self._hits: dict[int, dict[str, Hit]] = defaultdict(dict)
        self.parties: dict[int, IndexedParty[A]] = {}
        """The parties with hits, by number."""

    def pages(self) -> tuple[QueryPage, ...]:
        """Returns the pages that the index must look up next."""
        return self._pages

    def checks(self, results: Sequence[Candidates[A]]) -> tuple[CandidateCheck[A], ...]:
        """Returns the checks of all candidates that are new.

        results: what the index found for each page, in the order of `pages`.
        """
        checks: dict[int, CandidateCheck[A]] = {}
        for page, result in zip(self._pages, results, strict=True):
            row, is_translation = page.query.row, page.part is IndexPart.TRANSLATIONS
            for party, margin in result.parties:
                checked = self._checked[party.number]
                if (row, is_translation) in checked or not self._is_relevant(party.application):
                    continue
                checked.add((row, is_translation))
                known = checks.get(party.number)
                before = (
                    known.request
                    if known is not None
                    else CheckRequest(party.query, (), margin, is_translation=False)
                )
                request = CheckRequest(
                    party.query,
                    (*before.rows, *page.query.rows),
                    max(before.margin, margin),
                    before.is_translation or is_translation,
                )
                checks[party.number] = CandidateCheck(party, request)
        self._results = tuple(zip(self._pages, results, strict=True))
        return tuple(checks.values())

    def record(self, checks: Sequence[CandidateCheck[A]], hits: Sequence[Sequence[Hit]]) -> None:
        """Stores the hits of each check and decides on the next pages."""
        for check, found in zip(checks, hits, strict=True):
            if found:
                self.parties[check.party.number] = check.party
                self._hits[check.party.number].update((hit.entry_id, hit) for hit in found)
        self._pages = tuple(
            QueryPage(page.query, page.part, page.end, PAGE_GROWTH * page.end)
            for page, result in self._results
            if result.last_margin is not None
            and self._has_hit_below(page.query, result, result.last_margin + NEAR_LAST)
        )

    def _has_hit_below(self, query: ReverseQuery, result: Candidates[A], max_margin: float) -> bool:
        """Returns whether a candidate below this margin is a hit of the name's entries."""
        return any(
            margin < max_margin and not query.entry_ids.isdisjoint(self._hits.get(party.number, ()))
            for party, margin in result.parties
        )

    def hits_of(self, party: IndexedParty[A]) -> tuple[Hit, ...]:
        """Returns the hits of a party among the changed entries, best first."""
        hits = self._hits[party.number].values()
        return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.entry_id)))


# These functions run in a process that holds the list index. Their arguments and results are
# pickled.


def queries_for(index: ListIndex, entries: tuple[Entry, ...]) -> tuple[ReverseQuery, ...]:
    """Returns the queries that find the parties that may be one of these entries."""
    small = _changed_names(index, entries).index
    return reverse_queries(small.rows, small.entries, small.translations.names)


def check_parties(
    index: ListIndex,
    entries: tuple[Entry, ...],
    requests: Sequence[CheckRequest],
    config: ScreeningConfig,
) -> tuple[tuple[Hit, ...], ...]:
    """Returns the hits of each party among these entries, with the scores of a full screening."""
    changed = _changed_names(index, entries)
    return tuple(changed.hits(request, config) for request in requests)


def groups_with_hits(
    index: ListIndex,
    entries: tuple[Entry, ...],
    groups: Sequence[Sequence[PartyQuery]],
    config: ScreeningConfig,
) -> tuple[bool, ...]:
    """Returns, for each group of parties, whether any of them is a hit of these entries.

    Needs no party index.
    """
    small = _changed_names(index, entries).index
    return tuple(any(screen(small, query, config).hits for query in group) for group in groups)


@dataclass(frozen=True, slots=True, eq=False)
class _RestrictedIndex(ListIndex):
    """A list index that returns fixed candidates."""

    chosen: tuple[int, ...]

    def candidates(self, name: NormalisedName, kind: PartyKind, limit: int) -> tuple[int, ...]:
        return self.chosen


@dataclass(frozen=True, slots=True)
class _ChangedNames:
    """The index of the changed entries, and the rows of each entry in it."""

    index: ListIndex
    rows: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, index: ListIndex) -> "_ChangedNames":
        rows: dict[str, dict[int, None]] = defaultdict(dict)
        for position, row in enumerate(index.rows):
            for name in row.names:
                rows[index.entries[name.entry].entry_id][position] = None
        return cls(index, {entry: tuple(positions) for entry, positions in rows.items()})

    def hits(self, request: CheckRequest, config: ScreeningConfig) -> tuple[Hit, ...]:
        query, rows, margin, is_translation = request
        if rows and margin + SIMILARITY_PER_LOG_ODDS * self._facts(query, rows, config) < 0:
            return ()
        translations = self.index.translations if is_translation else NO_TRANSLATIONS
        hits = screen(self._restricted(rows, translations), query, config).hits
        if not hits:
            return ()
        # Another name of the same entry may be more similar: compare with all of them for the final
        # score.
        every = dict.fromkeys(row for hit in hits for row in self.rows.get(hit.entry_id, ()))
        return screen(self._restricted(tuple(every), self.index.translations), query, config).hits

    def _facts(self, query: PartyQuery, rows: Sequence[int], config: ScreeningConfig) -> float:
        """Returns the log-odds that facts add for the entry that they fit best."""
        positions = dict.fromkeys(name.entry for row in rows for name in self.index.rows[row].names)
        entries = (self.index.entries[position] for position in positions)
        return max(
            sum(fact.weight for fact in facts(query, entry, config.facts)) for entry in entries
        )

    def _restricted(self, rows: Sequence[int], translations: TranslationIndex) -> ListIndex:
        """Returns an index in which only these names and translations are compared."""
        known = {field.name: getattr(self.index, field.name) for field in fields(self.index)}
        return _RestrictedIndex(**(known | {"translations": translations}), chosen=tuple(rows))


@lru_cache(maxsize=1)
def _changed_names(index: ListIndex, entries: tuple[Entry, ...]) -> _ChangedNames:
    # Cached: one change is checked in many calls, and building its index takes longer than a check.
    return _ChangedNames.of(index.restricted_to(entries))
