"""The recall and cost of the index by size.

Does the index return every row that an exhaustive comparison of letters finds?
"""

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

MUST_RETURN: Final = 85
"""Rows whose letters agree this much (0..100; as written or sorted) must be returned."""
MAY_RETURN: Final = 80
"""Rows from here on need not be returned. The benchmark counts how many are."""
BATCH: Final = 25
"""Names compared exhaustively at once. Comparing many at once costs a tenth for each; the matrix is
100 MB at a million names.
"""
SIZES: Final = (20_000, 200_000)
MILLION: Final = 1_000_000


def sized(entries: Sequence[Entry], names: int) -> list[Entry]:
    """Returns the first entries, or all and invented persons, until there are this many names."""
    found: list[Entry] = []
    missing = names or sum(len(entry.names) for entry in entries)
    for entry in entries:
        if missing <= 0:
            return found
        found.append(entry)
        missing -= len(entry.names)
    return [*found, *islice(invented(), max(missing, 0))]


def invented() -> Iterator[Entry]:
    """Yields persons on no list, with names recombined from innocents, without end.

    No name repeats.
    """
    rng, known = random.Random(SEED), people()
    seen: set[str] = set()
    while True:
        first, last = rng.choice(known), rng.choice(known)
        name = " ".join(
            filter(None, (first["first_name"], first["middle_name"], last["last_name"]))
        )
        if name not in seen:
            seen.add(name)
            yield Entry(f"INV-{len(seen)}", "INV", name, str(len(seen)), kind=PartyKind.PERSON)


@dataclass(slots=True)
class RowRecall:
    """Rows that must be returned, and those of them that were."""

    expected: int = 0
    found: int = 0

    def count(self, expected: Sequence[int], returned: set[int]) -> None:
        """Counts these rows."""
        self.expected += len(expected)
        self.found += sum(row in returned for row in expected)

    @property
    def recall(self) -> float:
        """The share that was returned, 1 if nothing was expected."""
        return self.found / self.expected if self.expected else 1.0


def retrieval(entries: Sequence[Entry], cases: Sequence[Case], names: int) -> dict[str, Any]:
    """Returns the figures of an index of this many names (0: all there are).

    They are the CPU seconds and memory of the build, the CPU milliseconds of a screening, and two
    recalls of candidates: of rows that an exhaustive comparison of letters finds, and of the
    target's rows. Targets that are not among so many names do not count.
    """
    before, began = resident_mb(), time.process_time()
    index = ListIndex.build(sized(entries, names), f"sized-{names}")
    figures: dict[str, Any] = {
        "names": sum(len(entry.names) for entry in index.entries),
        "distinct_names": len(index.rows),
        "build_cpu_s": time.process_time() - began,
        "memory_mb": resident_mb() - before,
        "queries": len(cases),
    }
    screening, retrieving = [], []
    returned: list[set[int]] = []
    for case in cases:
        began = time.process_time()
        screen(index, PartyQuery((case.name,), case.kind), DEFAULT)
        screened = time.process_time()
        rows = index.candidates(normalise(case.name), case.kind, DEFAULT.candidates_per_pass)
        retrieving.append((time.process_time() - screened) * 1e3)
        screening.append((screened - began) * 1e3)
        returned.append(set(rows))
    figures |= _spread("cpu_ms", screening) | _spread("retrieval_cpu_ms", retrieving)
    return figures | _recall(index, cases, returned)


def _spread(of: str, times: list[float]) -> dict[str, float]:
    times.sort()
    return {
        f"{of}_mean": sum(times) / len(times),
        f"{of}_p50": times[len(times) // 2],
        f"{of}_p99": times[len(times) * 99 // 100],
    }


def _recall(
    index: ListIndex, cases: Sequence[Case], returned: Sequence[set[int]]
) -> dict[str, Any]:
    similar, less_similar, target = RowRecall(), RowRecall(), RowRecall()
    rows = _rows_of(index, cases)
    keys, ordered = (
        [row.key for row in index.rows],
        [row.sorted_words for row in index.rows],
    )
    for start in range(0, len(cases), BATCH):
        some = cases[start : start + BATCH]
        queried = [normalise(case.name) for case in some]
        written = _similarities([name.key for name in queried], keys)
        in_order = _similarities(
            [_ordered(name, case.kind) for name, case in zip(queried, some, strict=True)], ordered
        )
        for at, case in enumerate(some):
            closest = np.maximum(written[at], in_order[at])
            similar.count(np.flatnonzero(closest >= MUST_RETURN).tolist(), returned[start + at])
            less_similar.count(np.flatnonzero(closest >= MAY_RETURN).tolist(), returned[start + at])
            own = rows.get(case.target.entry_id, []) if case.target else []
            if own:
                target.expected += 1
                target.found += any(row in returned[start + at] for row in own)
    return {
        "candidate_recall": similar.recall,
        "candidates_expected": similar.expected,
        f"candidate_recall_from_{MAY_RETURN}": less_similar.recall,
        f"candidates_expected_from_{MAY_RETURN}": less_similar.expected,
        "target_recall": target.recall,
        "targets_expected": target.expected,
    }


def _similarities(
    queried: Sequence[str], names: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.float32]]:
    found: np.ndarray[Any, np.dtype[np.float32]] = process.cdist(
        queried, names, scorer=fuzz.ratio, score_cutoff=MAY_RETURN, dtype=np.float32
    )
    return found


def _ordered(name: NormalisedName, kind: PartyKind) -> str:
    return " ".join(sorted(core_words(name.words, is_person=kind is PartyKind.PERSON)))


def _rows_of(index: ListIndex, cases: Sequence[Case]) -> dict[str, list[int]]:
    """Returns the rows of each target."""
    found: dict[str, list[int]] = {case.target.entry_id: [] for case in cases if case.target}
    for at, row in enumerate(index.rows):
        for entry in {index.entries[name.entry].entry_id for name in row.names}:
            if entry in found:
                found[entry].append(at)
    return found


def resident_mb() -> float:
    """Returns the resident memory of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def missed_strings(
    index: ListIndex, strings: Sequence[tuple[str, str]], rng: random.Random
) -> list[str]:
    """Returns the published names that are not found at the default threshold.

    strings: pairs of entry id and name. Each is queried with a random kind.
    """
    config = replace(DEFAULT, max_hits=10_000)
    kinds = list(PartyKind)
    missed = []
    for entry_id, text in strings:
        hits = screen(index, PartyQuery((text,), rng.choice(kinds)), config).hits
        if all(hit.entry_id != entry_id for hit in hits):
            missed.append(text)
    return missed
