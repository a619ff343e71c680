"""The engine and its peers behind one interface.

A system returns the score of a name against its own entry and the best against any entry.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import numpy as np
from nomenklatura.matching.logic_v2.names.match import match_name_symbolic
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler
from rigour.names import CompareConfig, Name, NameTypeTag, analyze_names

from services.screening.core.config import DEFAULT, ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.model import PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex, listed_kind
from services.screening.core.names.normalisation import normalise
from tests.bench.screening.cases import Case

MAX_HITS: Final = 400
"""Hits that the engine returns, far more than usual: the benchmark needs the target's score however
low it is.
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """Returns the scores of a case."""

    own: float
    any: float
    ms: float


class System(Protocol):
    """A system that compares names with an index."""

    @property
    def name(self) -> str:
        """The name in the report."""
        ...

    def score(self, case: Case) -> Scored:
        """The scores of a case."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """This project's engine, queried as the service queries it.

    with_facts: whether birth date and countries are given too.
    """

    index: ListIndex
    with_facts: bool = False
    name: str = "safeconduct"
    config: ScreeningConfig = field(default_factory=lambda: replace(DEFAULT, max_hits=MAX_HITS))

    def score(self, case: Case) -> Scored:
        facts: dict[str, Any] = {}
        if self.with_facts:
            facts = {"birth_date": case.birth_date, "countries": case.countries}
        began = time.process_time()
        found = screen(
            self.index, PartyQuery((case.name,), case.kind, **facts), self.config, floor=0.0
        )
        ms = (time.process_time() - began) * 1e3
        scores = {hit.entry_id: hit.score for hit in (*found.hits, *found.near_misses)}
        own = scores.get(case.target.entry_id, 0.0) if case.target else 0.0
        return Scored(own, max(scores.values(), default=0.0), ms)


@dataclass(frozen=True, slots=True)
class LetterScorer:
    """A rapidfuzz scorer over every name of the index.

    prepared: makes the compared text from normalised words. scale: the scorer's highest value.
    """

    index: ListIndex
    name: str
    scorer: Callable[..., float]
    prepared: Callable[[Sequence[str]], str]
    scale: float
    rows: Mapping[str, Sequence[int]]
    choices: Sequence[str]

    @classmethod
    def over(
        cls,
        index: ListIndex,
        name: str,
        scorer: Callable[..., float],
        prepared: Callable[[Sequence[str]], str],
        scale: float,
    ) -> LetterScorer:
        """Returns the scorer over an index."""
        choices = [prepared(row.key.split()) for row in index.rows]
        return cls(index, name, scorer, prepared, scale, rows_of(index), choices)

    def score(self, case: Case) -> Scored:
        began = time.process_time()
        scores = self.all(case)
        ms = (time.process_time() - began) * 1e3
        own = scores[self.rows.get(case.target.entry_id, [])].max(initial=0) if case.target else 0.0
        return Scored(float(own), float(scores.max()), ms)

    def all(self, case: Case) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Returns the score against every row."""
        queried = self.prepared(normalise(case.name).words)
        return (
            process.cdist([queried], self.choices, scorer=self.scorer, dtype=np.float32)[0]
            / self.scale
        )


TAGS: Final = {
    PartyKind.PERSON: NameTypeTag.PER,
    PartyKind.ORGANISATION: NameTypeTag.ORG,
    PartyKind.VESSEL: NameTypeTag.OBJ,
    PartyKind.AIRCRAFT: NameTypeTag.OBJ,
    PartyKind.UNKNOWN: NameTypeTag.ENT,
}
LOGIC_V2_CONFIG: Final = CompareConfig(budget_tolerance=1.0)
LOGIC_V2_WEIGHTS: Final = (0.8, 0.2, 1.3)
"""logic-v2's published defaults: the weights of extra parts of the queried and listed name, and of
a family name.
"""


def analysed(text: str, kind: PartyKind, *, is_query: bool = False) -> Name | None:
    """Returns a name as logic-v2 reads it, or None if it has nothing comparable."""
    return next(
        iter(analyze_names(TAGS[kind], [text], infer_initials=is_query, phonetics=False)), None
    )


@dataclass(frozen=True, slots=True)
class LogicV2:
    """The name score of nomenklatura's logic-v2 over our candidates and the closest names."""

    index: ListIndex
    closest: LetterScorer
    rows: Mapping[str, Sequence[int]]
    name: str = "logic-v2"
    brute: int = 150
    listed: dict[int, Mapping[PartyKind, Name | None]] = field(default_factory=dict)

    def score(self, case: Case) -> Scored:
        by_letters = np.argsort(-self.closest.all(case))[: self.brute]
        candidates = {
            *map(int, by_letters),
            *self.index.candidates(normalise(case.name), case.kind, 200),
        }
        for at in candidates - set(self.listed):
            self.listed[at] = self._analysed(at)
        began = time.process_time()
        queried = {kind: analysed(case.name, kind, is_query=True) for kind in PartyKind}
        scores = {at: self._of(at, case.kind, queried) for at in candidates}
        ms = (time.process_time() - began) * 1e3
        rows = self.rows.get(case.target.entry_id, ()) if case.target else ()
        own = max((scores.get(at, 0.0) for at in rows), default=0.0)
        return Scored(own, max(scores.values(), default=0.0), ms)

    def _analysed(self, at: int) -> Mapping[PartyKind, Name | None]:
        row, entries = self.index.rows[at], self.index.entries
        words = tuple(row.key.split())
        kinds = {listed_kind(entries[name.entry], words): name.text for name in row.names}
        return {kind: analysed(text, kind) for kind, text in kinds.items()}

    def _of(self, at: int, kind: PartyKind, queried: Mapping[PartyKind, Name | None]) -> float:
        names = self.listed[at].items()
        pairs = ((queried[kind if of is PartyKind.UNKNOWN else of], name) for of, name in names)
        return max(
            (
                float(match_name_symbolic(query, name, LOGIC_V2_CONFIG, *LOGIC_V2_WEIGHTS)[0].score)
                for query, name in pairs
                if query and name
            ),
            default=0.0,
        )


def rows_of(index: ListIndex) -> Mapping[str, Sequence[int]]:
    """Returns the rows of every entry."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(index.rows):
        for listed in row.names:
            found[index.entries[listed.entry].entry_id].append(at)
    return found


def peers(index: ListIndex) -> tuple[System, ...]:
    """Returns the peers over the same index."""
    token_sort = LetterScorer.over(
        index, "token_sort", fuzz.ratio, lambda words: " ".join(sorted(words)), 100
    )
    jaro = LetterScorer.over(index, "Jaro-Winkler", JaroWinkler.similarity, " ".join, 1)
    return LogicV2(index, token_sort, rows_of(index)), token_sort, jaro
