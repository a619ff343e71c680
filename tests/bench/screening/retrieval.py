"""Whether the index brings every row that an exhaustive comparison of letters finds, and what it costs at what size."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.config import DEFAULT
from services.screening.core.index import Generation
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.normalise import fold, name_words
from services.screening.core.screen import screen
from tests.bench.screening.cases import SEED, Case, people

ALIKE: Final = 85
"""From this likeness of letters on a row must be brought, of 100."""


def grown(entries: Sequence[Entry], names: int) -> list[Entry]:
    """The entries, and invented persons of recombined names until there are so many names."""
    missing = names - sum(len(entry.names) for entry in entries)
    return [*entries, *(entry for entry, _ in zip(_invented(), range(max(missing, 0)), strict=False))]


def _invented() -> Iterator[Entry]:
    chance, known = random.Random(SEED), people()
    seen: set[str] = set()
    while True:
        first, last = chance.choice(known), chance.choice(known)
        name = " ".join(filter(None, (first["first_name"], first["middle_name"], last["last_name"])))
        if name not in seen:
            seen.add(name)
            yield Entry(f"INV-{len(seen)}", "INV", name, str(len(seen)), kind=PartyKind.PERSON)


def retrieval(entries: Sequence[Entry], cases: Sequence[Case], names: int) -> dict[str, Any]:
    """Figures of an index of so many names: build, memory, time of a query, candidates found of those that must be."""
    before, began = resident_mb(), time.process_time()
    generation = Generation.build(grown(entries, names), f"grown-{names}")
    built = time.process_time() - began
    ordered = [row.ordered for row in generation.rows]
    found = wanted = 0
    cpu: list[float] = []
    for case in cases:
        began = time.process_time()
        screen(generation, PartyQuery((case.name,), case.kind), DEFAULT)
        cpu.append((time.process_time() - began) * 1e3)
        asked = fold(case.name)
        core = " ".join(sorted(name_words(asked.words, is_person=case.kind is PartyKind.PERSON)))
        alike = np.flatnonzero(process.cdist([core], ordered, scorer=fuzz.ratio)[0] >= ALIKE)
        brought = set(generation.candidates(asked, case.kind, DEFAULT.candidates_per_pass))
        wanted += len(alike)
        found += sum(int(at) in brought for at in alike)
    cpu.sort()
    return {
        "names": sum(len(entry.names) for entry in generation.entries),
        "distinct_names": len(generation.rows),
        "build_cpu_s": built,
        "memory_mb": resident_mb() - before,
        "queries": len(cases),
        "cpu_ms_mean": sum(cpu) / len(cpu),
        "cpu_ms_p50": cpu[len(cpu) // 2],
        "cpu_ms_p99": cpu[len(cpu) * 99 // 100],
        "candidate_recall": found / wanted if wanted else 1.0,
        "candidates_wanted": wanted,
    }


def resident_mb() -> float:
    """Memory of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def missed_strings(generation: Generation, strings: Sequence[tuple[str, str]], chance: random.Random) -> list[str]:
    """Which of these (entry id, published name) are not found at the default threshold, a kind told at random."""
    config = replace(DEFAULT, max_hits=10_000)
    kinds = list(PartyKind)
    missed = []
    for entry_id, text in strings:
        hits = screen(generation, PartyQuery((text,), chance.choice(kinds)), config).hits
        if all(hit.entry_id != entry_id for hit in hits):
            missed.append(text)
    return missed
