"""`python -m tests.bench.screening.name_frequency`: counts the words of the innocents' names and writes what is common.

Only the tuning half is counted. What rests on the counts is to be fitted anew after it, by `fit`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from services.screening.core.names.name_frequency import FILE, MIN_PEOPLE
from services.screening.core.names.normalisation import normalise
from tests.bench.screening.cases import CHECKOUT, Half, half_of, people


def main() -> None:
    """Count and write."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.screening.name_frequency", description=__doc__
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "services" / "screening" / "core" / "names" / FILE
    )
    asked = parser.parse_args()
    names = [row["full_name"] for row in people() if half_of(row["full_name"]) is Half.TUNING]
    asked.out.write_text(counted(names), encoding="utf-8")
    print(f"{len(names)} names counted; written: {asked.out}")


def counted(names: list[str]) -> str:
    """JSON: how many names there are, and a line of words for each count."""
    counts = Counter(word for name in names for word in set(normalise(name).words) if len(word) > 1)
    words: dict[int, list[str]] = {}
    for word, count in counts.items():
        if count >= MIN_PEOPLE:
            words.setdefault(count, []).append(word)
    lines = ",\n".join(
        f"  {json.dumps(str(count))}: {json.dumps(' '.join(sorted(words[count])))}"
        for count in sorted(words, reverse=True)
    )
    return f'{{\n "people": {len(names)},\n "words_by_people": {{\n{lines}\n }}\n}}\n'


if __name__ == "__main__":
    main()
