"""`python -m tests.bench.screening.name_frequency` writes how many people bear each common word.

It counts the innocents of the tuning half. The name score must be fitted again afterwards (`fit`).
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
    """Counts and writes."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.screening.name_frequency", description=__doc__
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "services" / "screening" / "core" / "names" / FILE
    )
    args = parser.parse_args()
    names = [row["full_name"] for row in people() if half_of(row["full_name"]) is Half.TUNING]
    args.out.write_text(frequencies_as_json(names), encoding="utf-8")
    print(f"{len(names)} names counted; written: {args.out}")


def frequencies_as_json(names: list[str]) -> str:
    """Returns JSON: how many names there are, and a line of words for each count."""
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
