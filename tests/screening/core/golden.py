"""Golden scores: `python -m tests.screening.core.golden` writes them.

A score belongs to a version of the configuration. A score that changes while the version stays is
a defect, and the command refuses to write it. The names are compared in a small index of their own,
so that a new list changes nothing here.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex

FILE = Path(__file__).parent / "data" / "golden_scores.csv"
FIELDS = ("query", "kind", "listed", "score", "version")
NEAR = 0.0006
"""Scores nearer than this are one score: the last digit depends on the processor."""


@dataclass(frozen=True)
class Golden:
    """A name, a listed name of a kind, and how they score."""

    query: str
    kind: PartyKind
    listed: str
    score: float
    version: str


def recorded() -> tuple[Golden, ...]:
    """What the file says."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Golden(
                row["query"],
                PartyKind(row["kind"]),
                row["listed"],
                float(row["score"]),
                row["version"],
            )
            for row in csv.DictReader(lines)
        )


def scored(pairs: tuple[Golden, ...]) -> tuple[Golden, ...]:
    """The same names, scored by the engine as it is."""
    kinds = {pair.listed: pair.kind for pair in pairs}
    entries = [Entry(listed, "GOLD", listed, listed, kind=kind) for listed, kind in kinds.items()]
    generation = ListIndex.build(entries, "golden")
    found = []
    for pair in pairs:
        answer = screen(generation, PartyQuery((pair.query,), pair.kind), DEFAULT, floor=0.0)
        scores = {hit.entry_id: hit.score for hit in (*answer.hits, *answer.near_misses)}
        score = round(scores.get(pair.listed, 0.0), 4)
        found.append(Golden(pair.query, pair.kind, pair.listed, score, DEFAULT.version))
    return tuple(found)


def changed(before: tuple[Golden, ...], now: tuple[Golden, ...]) -> tuple[str, ...]:
    """What scores otherwise than before, in words."""
    return tuple(
        f"{old.query!r} and {old.listed!r}: {old.score:.4f}, now {new.score:.4f}"
        for old, new in zip(before, now, strict=True)
        if abs(old.score - new.score) > NEAR
    )


def main() -> int:
    """Writes the file; refuses if a score changed and the configuration's version did not."""
    before = recorded()
    now = scored(before)
    found = changed(before, now)
    if found and any(pair.version == DEFAULT.version for pair in before):
        print(
            *found,
            f"these scores changed, but the version is still {DEFAULT.version}",
            sep="\n",
            file=sys.stderr,
        )
        return 1
    with FILE.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(FIELDS)
        table.writerows(
            (pair.query, pair.kind, pair.listed, f"{pair.score:.4f}", pair.version) for pair in now
        )
    print(f"{len(now)} scores of version {DEFAULT.version}, {len(found)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
