"""The engine and its peers behind one question: how does a name score against its own entry, and against any."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from services.screening.core.config import DEFAULT, ScreeningConfig
from services.screening.core.index import Generation
from services.screening.core.model import PartyKind, PartyQuery
from services.screening.core.normalise import fold
from services.screening.core.score import analyse, logic_score
from services.screening.core.screen import screen
from tests.bench.screening.cases import Case

MOST: Final = 400
"""Hits kept of a name, far more than anybody reads: the target's score is wanted however low it is."""


@dataclass(frozen=True, slots=True)
class Scored:
    """own: the score against the target, 0 without one. any: the best score against anybody. ms: CPU time spent."""

    own: float
    any: float
    ms: float


class System(Protocol):
    """Something that compares names with an index."""

    @property
    def name(self) -> str:
        """What it is called in the report."""
        ...

    def score(self, case: Case) -> Scored:
        """The scores of a case."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of this project, asked as the service asks it. with_facts: birth date and countries are told too."""

    generation: Generation
    with_facts: bool = False
    name: str = "safeconduct"
    config: ScreeningConfig = field(default_factory=lambda: replace(DEFAULT, max_hits=MOST))

    def score(self, case: Case) -> Scored:
        facts: dict[str, Any] = {}
        if self.with_facts:
            facts = {"birth_date": case.birth_date, "countries": case.countries}
        began = time.process_time()
        found = screen(self.generation, PartyQuery((case.name,), case.kind, **facts), self.config, floor=0.0)
        ms = (time.process_time() - began) * 1e3
        scores = {hit.entry_id: hit.score for hit in (*found.hits, *found.near_misses)}
        own = scores.get(case.target.entry_id, 0.0) if case.target else 0.0
        return Scored(own, max(scores.values(), default=0.0), ms)


@dataclass(frozen=True, slots=True)
class Letters:
    """A rapidfuzz scorer over every name of the index. prepared: how it wants names, of folded words."""

    generation: Generation
    name: str
    scorer: Callable[..., float]
    prepared: Callable[[Sequence[str]], str]
    scale: float
    rows: Mapping[str, Sequence[int]]
    choices: Sequence[str]

    @classmethod
    def over(
        cls,
        generation: Generation,
        name: str,
        scorer: Callable[..., float],
        prepared: Callable[[Sequence[str]], str],
        scale: float,
    ) -> Letters:
        """The scorer over an index."""
        choices = [prepared(row.key.split()) for row in generation.rows]
        return cls(generation, name, scorer, prepared, scale, rows_of(generation), choices)

    def score(self, case: Case) -> Scored:
        began = time.process_time()
        scores = self.all(case)
        ms = (time.process_time() - began) * 1e3
        own = scores[self.rows.get(case.target.entry_id, [])].max(initial=0) if case.target else 0.0
        return Scored(float(own), float(scores.max()), ms)

    def all(self, case: Case) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The score against every row."""
        asked = self.prepared(fold(case.name).words)
        return process.cdist([asked], self.choices, scorer=self.scorer, dtype=np.float32)[0] / self.scale


@dataclass(frozen=True, slots=True)
class Logic:
    """nomenklatura's logic-v2 name score over the union of our candidates and the closest by sorted words."""

    generation: Generation
    closest: Letters
    rows: Mapping[str, Sequence[int]]
    name: str = "logic-v2"
    brute: int = 150

    def score(self, case: Case) -> Scored:
        by_letters = np.argsort(-self.closest.all(case))[: self.brute]
        began = time.process_time()
        candidates = {*map(int, by_letters), *self.generation.candidates(fold(case.name), case.kind, 200)}
        asked = {kind: analyse(case.name, kind, is_query=True) for kind in PartyKind}
        scores = {at: self._of(at, case.kind, asked) for at in candidates}
        ms = (time.process_time() - began) * 1e3
        rows = self.rows.get(case.target.entry_id, ()) if case.target else ()
        own = max((scores.get(at, 0.0) for at in rows), default=0.0)
        return Scored(own, max(scores.values(), default=0.0), ms)

    def _of(self, at: int, kind: PartyKind, asked: Mapping[PartyKind, Any]) -> float:
        listed = self.generation.rows[at].analysed
        pairs = ((asked[kind if of is PartyKind.UNKNOWN else of], name) for of, name in listed.items())
        return max((logic_score(query, name) for query, name in pairs if query), default=0.0)


def rows_of(generation: Generation) -> Mapping[str, Sequence[int]]:
    """The rows of every entry."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(generation.rows):
        for listed in row.names:
            found[generation.entries[listed.entry].entry_id].append(at)
    return found


def peers(generation: Generation) -> tuple[System, ...]:
    """The peers over the same index."""
    token_sort = Letters.over(generation, "token_sort", fuzz.ratio, lambda words: " ".join(sorted(words)), 100)
    jaro = Letters.over(generation, "Jaro-Winkler", JaroWinkler.similarity, " ".join, 1)
    return Logic(generation, token_sort, rows_of(generation)), token_sort, jaro
