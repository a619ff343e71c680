"""Whether the index brings every row that an exhaustive comparison finds, and what it costs at what size."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import NormalisedName, core_words, normalise
from tests.bench.screening.cases import SEED, Case, people

ALIKE: Final = 85
"""From this likeness of letters on (of 100; as written, or words sorted) a row must be brought."""
LESS_ALIKE: Final = 80
"""Nothing promises rows from here on: how many are brought all the same."""
AT_ONCE: Final = 25
"""Names that are compared exhaustively at once: many at once cost a tenth each, and a matrix of 100 MB at a million."""
SIZES: Final = (20_000, 200_000)
MILLION: Final = 1_000_000


def sized(entries: Sequence[Entry], names: int) -> list[Entry]:
    """The first of the entries, or all and invented persons of recombined names, until there are so many names."""
    found: list[Entry] = []
    missing = names or sum(len(entry.names) for entry in entries)
    for entry in entries:
        if missing <= 0:
            return found
        found.append(entry)
        missing -= len(entry.names)
    return [*found, *islice(invented(), max(missing, 0))]


def invented() -> Iterator[Entry]:
    """Persons who are on no list, of names recombined from those of innocent ones; without end, no name twice."""
    chance, known = random.Random(SEED), people()
    seen: set[str] = set()
    while True:
        first, last = chance.choice(known), chance.choice(known)
        name = " ".join(
            filter(None, (first["first_name"], first["middle_name"], last["last_name"]))
        )
        if name not in seen:
            seen.add(name)
            yield Entry(f"INV-{len(seen)}", "INV", name, str(len(seen)), kind=PartyKind.PERSON)


@dataclass(slots=True)
class Brought:
    """Rows that must be brought, and those of them that were."""

    wanted: int = 0
    found: int = 0

    def count(self, wanted: Sequence[int], brought: set[int]) -> None:
        """Counts these rows."""
        self.wanted += len(wanted)
        self.found += sum(row in brought for row in wanted)

    @property
    def recall(self) -> float:
        """The share that was brought, 1 when nothing was wanted."""
        return self.found / self.wanted if self.wanted else 1.0


def retrieval(entries: Sequence[Entry], cases: Sequence[Case], names: int) -> dict[str, Any]:
    """Figures of an index of so many names (0: as many as there are).

    What it costs to build, in CPU seconds and memory; what a screening costs, in CPU milliseconds; which share of what
    must be brought is brought: rows that an exhaustive comparison of letters finds, and the rows of the party who is
    meant. Parties who are not among so many names are not asked for.
    """
    before, began = resident_mb(), time.process_time()
    generation = ListIndex.build(sized(entries, names), f"sized-{names}")
    figures: dict[str, Any] = {
        "names": sum(len(entry.names) for entry in generation.entries),
        "distinct_names": len(generation.rows),
        "build_cpu_s": time.process_time() - began,
        "memory_mb": resident_mb() - before,
        "queries": len(cases),
    }
    screening, retrieving = [], []
    brought: list[set[int]] = []
    for case in cases:
        began = time.process_time()
        screen(generation, PartyQuery((case.name,), case.kind), DEFAULT)
        screened = time.process_time()
        rows = generation.candidates(normalise(case.name), case.kind, DEFAULT.candidates_per_pass)
        retrieving.append((time.process_time() - screened) * 1e3)
        screening.append((screened - began) * 1e3)
        brought.append(set(rows))
    figures |= _spread("cpu_ms", screening) | _spread("retrieval_cpu_ms", retrieving)
    return figures | _recall(generation, cases, brought)


def _spread(of: str, times: list[float]) -> dict[str, float]:
    times.sort()
    return {
        f"{of}_mean": sum(times) / len(times),
        f"{of}_p50": times[len(times) // 2],
        f"{of}_p99": times[len(times) * 99 // 100],
    }


def _recall(
    generation: ListIndex, cases: Sequence[Case], brought: Sequence[set[int]]
) -> dict[str, Any]:
    alike, less, target = Brought(), Brought(), Brought()
    rows = _rows_of(generation, cases)
    keys, ordered = (
        [row.key for row in generation.rows],
        [row.sorted_words for row in generation.rows],
    )
    for start in range(0, len(cases), AT_ONCE):
        some = cases[start : start + AT_ONCE]
        asked = [normalise(case.name) for case in some]
        written = _compared([name.key for name in asked], keys)
        in_order = _compared(
            [_ordered(name, case.kind) for name, case in zip(asked, some, strict=True)], ordered
        )
        for at, case in enumerate(some):
            closest = np.maximum(written[at], in_order[at])
            alike.count(np.flatnonzero(closest >= ALIKE).tolist(), brought[start + at])
            less.count(np.flatnonzero(closest >= LESS_ALIKE).tolist(), brought[start + at])
            own = rows.get(case.target.entry_id, []) if case.target else []
            if own:
                target.wanted += 1
                target.found += any(row in brought[start + at] for row in own)
    return {
        "candidate_recall": alike.recall,
        "candidates_wanted": alike.wanted,
        f"candidate_recall_from_{LESS_ALIKE}": less.recall,
        f"candidates_wanted_from_{LESS_ALIKE}": less.wanted,
        "target_recall": target.recall,
        "targets_wanted": target.wanted,
    }


def _compared(asked: Sequence[str], names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    found: np.ndarray[Any, np.dtype[np.float32]] = process.cdist(
        asked, names, scorer=fuzz.ratio, score_cutoff=LESS_ALIKE, dtype=np.float32
    )
    return found


def _ordered(name: NormalisedName, kind: PartyKind) -> str:
    return " ".join(sorted(core_words(name.words, is_person=kind is PartyKind.PERSON)))


def _rows_of(generation: ListIndex, cases: Sequence[Case]) -> dict[str, list[int]]:
    """The rows of the parties who are meant."""
    found: dict[str, list[int]] = {case.target.entry_id: [] for case in cases if case.target}
    for at, row in enumerate(generation.rows):
        for entry in {generation.entries[name.entry].entry_id for name in row.names}:
            if entry in found:
                found[entry].append(at)
    return found


def resident_mb() -> float:
    """Memory of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def missed_strings(
    generation: ListIndex, strings: Sequence[tuple[str, str]], chance: random.Random
) -> list[str]:
    """Which of these (entry id, published name) are not found at the default threshold, a kind told at random."""
    config = replace(DEFAULT, max_hits=10_000)
    kinds = list(PartyKind)
    missed = []
    for entry_id, text in strings:
        hits = screen(generation, PartyQuery((text,), chance.choice(kinds)), config).hits
        if all(hit.entry_id != entry_id for hit in hits):
            missed.append(text)
    return missed
