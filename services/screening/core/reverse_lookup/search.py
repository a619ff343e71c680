"""What a change of the lists says about monitored parties: one by one, or by a search through their index.

The search goes round after round. A party is asked about by the listed names that it resembles, closest first; as long
as there are hits down to the last names and the next ones are near, these are looked at too, so that a name which
thousands resemble is followed to its end. Who is a hit is judged against these names as a new party is against all of
them: with the same score.
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
from services.screening.core.names.translation_match import TranslationIndex
from services.screening.core.reverse_lookup.index import Found, Held, PartyIndex
from services.screening.core.reverse_lookup.party_name_index import LIFT
from services.screening.core.reverse_lookup.query import Place, Span, Wanted, wanted_of

FIRST: Final = 30
"""Names of parties, of each kind of script, that are looked at for a listed name at first."""
DOWN_TO: Final = 10.0
"""Hits so little above the last name let expect more behind it."""

NO_KIN: Final = TranslationIndex.build(())
"""For those whose kin were looked up, in vain."""

A = TypeVar("A", bound=Hashable)


class Asked(NamedTuple):
    """What is asked of a party.

    rows: the names that changed with which it is to be compared. above: how far it is above what is near. is_kin: its
    name may be a translation or an acronym of one of them.
    """

    query: PartyQuery
    rows: tuple[int, ...]
    above: float
    is_kin: bool


@dataclass(frozen=True, slots=True)
class Question(Generic[A]):
    """A party and what is asked of it."""

    party: Held[A]
    asked: Asked


class Search(Generic[A]):
    """Which parties are hits of what changed. It asks and is told; it looks nothing up by itself."""

    def __init__(
        self, wanted: Sequence[Wanted], is_asked: Callable[[A], bool] = lambda _: True
    ) -> None:
        self._is_asked = is_asked
        self._spans = tuple(Span(one, place, 0, FIRST) for one in wanted for place in one.places)
        self._found: tuple[tuple[Span, Found[A]], ...] = ()
        self._asked: dict[int, set[tuple[int, bool]]] = defaultdict(set)
        self._hits: dict[int, dict[str, Hit]] = defaultdict(dict)
        self.parties: dict[int, Held[A]] = {}
        """Parties with hits, by their numbers."""

    def spans(self) -> tuple[Span, ...]:
        """What is to be looked up in the index next. Nothing: the search is over."""
        return self._spans

    def questions(self, found: Sequence[Found[A]]) -> tuple[Question[A], ...]:
        """Whom to judge, after the index said what it found for each span."""
        asked: dict[int, Question[A]] = {}
        for span, each in zip(self._spans, found, strict=True):
            row, is_kin = span.wanted.row, span.place is Place.KIN
            for party, above in each.parties:
                known = self._asked[party.number]
                if (row, is_kin) in known or not self._is_asked(party.application):
                    continue
                known.add((row, is_kin))
                one = asked.get(party.number)
                before = (
                    one.asked if one is not None else Asked(party.query, (), above, is_kin=False)
                )
                asked[party.number] = Question(
                    party,
                    Asked(
                        party.query,
                        (*before.rows, *span.wanted.rows),
                        max(before.above, above),
                        before.is_kin or is_kin,
                    ),
                )
        self._found = tuple(zip(self._spans, found, strict=True))
        return tuple(asked.values())

    def take(self, questions: Sequence[Question[A]], hits: Sequence[Sequence[Hit]]) -> None:
        """The hits of each question."""
        for question, found in zip(questions, hits, strict=True):
            if found:
                self.parties[question.party.number] = question.party
                self._hits[question.party.number].update((hit.entry_id, hit) for hit in found)
        self._spans = tuple(
            Span(span.wanted, span.place, span.end, 4 * span.end)
            for span, found in self._found
            if found.last is not None
            and self._goes_on(span.wanted, found.parties, found.last + DOWN_TO)
        )

    def _goes_on(
        self, wanted: Wanted, parties: Sequence[tuple[Held[A], float]], below: float
    ) -> bool:
        """Whether somebody so little above the last name is a hit of who bears the wanted name."""
        return any(
            above < below and not wanted.entries.isdisjoint(self._hits.get(party.number, ()))
            for party, above in parties
        )

    def hits_of(self, party: Held[A]) -> tuple[Hit, ...]:
        """The hits of a party among what changed, best first."""
        return tuple(
            sorted(self._hits[party.number].values(), key=lambda hit: (-hit.score, hit.entry_id))
        )


def looked_for(generation: ListIndex, entries: tuple[Entry, ...]) -> tuple[Wanted, ...]:
    """By what the parties are found who may be one of these entries."""
    small = _among(generation, entries).small
    return wanted_of(small.rows, small.entries, small.translations.members)


def judged(
    generation: ListIndex,
    entries: tuple[Entry, ...],
    questions: Sequence[Asked],
    config: ScreeningConfig,
) -> tuple[tuple[Hit, ...], ...]:
    """The hits of each party among these entries, scored as in the whole generation."""
    changed = _among(generation, entries)
    return tuple(changed.hits(asked, config) for asked in questions)


def touched(
    generation: ListIndex,
    entries: tuple[Entry, ...],
    groups: Sequence[Sequence[PartyQuery]],
    config: ScreeningConfig,
) -> tuple[bool, ...]:
    """For each group of parties whether any of them may be one of these entries; every party is compared with all."""
    small = _among(generation, entries).small
    return tuple(any(screen(small, query, config).hits for query in group) for group in groups)


def matches(
    index: PartyIndex[A], generation: ListIndex, entries: tuple[Entry, ...], config: ScreeningConfig
) -> Search[A]:
    """The whole search, where index and generation are at hand."""
    search: Search[A] = Search(looked_for(generation, entries))
    while spans := search.spans():
        questions = search.questions([index.closest(span) for span in spans])
        search.take(
            questions, judged(generation, entries, [each.asked for each in questions], config)
        )
    return search


@dataclass(frozen=True, slots=True, eq=False)
class _Only(ListIndex):
    """A generation in which only some names are compared."""

    chosen: tuple[int, ...]

    def candidates(self, name: NormalisedName, kind: PartyKind, limit: int) -> tuple[int, ...]:
        return self.chosen


@dataclass(frozen=True, slots=True)
class _Changed:
    """The index of what changed, and the names of each entry in it."""

    small: ListIndex
    rows: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, small: ListIndex) -> "_Changed":
        rows: dict[str, dict[int, None]] = defaultdict(dict)
        for position, row in enumerate(small.rows):
            for name in row.names:
                rows[small.entries[name.entry].entry_id][position] = None
        return cls(small, {entry: tuple(positions) for entry, positions in rows.items()})

    def hits(self, asked: Asked, config: ScreeningConfig) -> tuple[Hit, ...]:
        query, rows, above, is_kin = asked
        if rows and above + LIFT * self._facts(query, rows, config) < 0:
            return ()
        hits = screen(
            self._only(rows, self.small.translations if is_kin else NO_KIN), query, config
        ).hits
        if not hits:
            return ()
        # By another name the same entry may be closer.
        every = dict.fromkeys(row for hit in hits for row in self.rows.get(hit.entry_id, ()))
        return screen(self._only(tuple(every), self.small.translations), query, config).hits

    def _facts(self, query: PartyQuery, rows: Sequence[int], config: ScreeningConfig) -> float:
        """What the facts beside the name add, with the entry that they fit best."""
        bearers = dict.fromkeys(name.entry for row in rows for name in self.small.rows[row].names)
        entries = (self.small.entries[bearer] for bearer in bearers)
        return max(
            sum(fact.weight for fact in facts(query, entry, config.facts)) for entry in entries
        )

    def _only(self, rows: Sequence[int], channel: TranslationIndex) -> ListIndex:
        """In which these names alone are compared, and these alone are kin."""
        known = {field.name: getattr(self.small, field.name) for field in fields(self.small)}
        return _Only(**(known | {"translations": channel}), chosen=tuple(rows))


@lru_cache(maxsize=1)
def _among(generation: ListIndex, entries: tuple[Entry, ...]) -> _Changed:
    # Asked about again and again: the index of the change is built once.
    return _Changed.of(generation.restricted_to(entries))
