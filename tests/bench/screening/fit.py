"""`python -m tests.bench.screening.fit`: fits the name score on the tuning half of the labels and writes it.

Listed parties under other names are to score high, innocents and strangers low. Pairs of names that were labelled one
by one, and firms made to be mistaken, are told too. The level is then set so that a share of the tuning half's
innocents reaches the threshold, persons and firms each by their own. The same labels give the same file.

What it cannot say is how well that works: `python -m tests.bench.screening` does, on the check half.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.ensemble import HistGradientBoostingClassifier

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import considered, screen
from services.screening.core.model import PartyKind, PartyQuery
from services.screening.core.names.comparison import HIGHEST_INEXACT
from services.screening.core.names.index import ListIndex
from services.screening.core.names.score import DEPTH, FILE, SPLITS, NameScore
from services.screening.core.names.similarity_features import (
    DECREASING,
    UNCONSTRAINED,
    SimilarityFeatures,
)
from tests.bench.screening.cases import ALIASES, CHECKOUT, Case, Family, Half, drawn
from tests.bench.screening.firms import FAMILY_ALONE, ONE_WORD_SORTS, firms
from tests.bench.screening.pairs import half_of_pair, pairs

PAIR: Final = 8.0
"""What a labelled pair weighs, a listed party's own name weighing 1."""
TURNS: Final = 4
"""How many aliases of a party are held out, one after the other."""
MANY: Final = 3500
"""Cases of a family of which the innocents are taken: five times as many persons, twice as many firms."""
INNOCENT: Final = 0.4
"""What an innocent weighs: there are many."""
AGAIN: Final = 0.5
"""What a name of a further turn weighs: it is of a party that was asked about before."""
SLIP: Final = 0.5
"""What a name with made errors weighs: most are found anyway."""
SLIPS: Final = frozenset({Family.ONE_SLIP, Family.SLIPS, Family.BY_EAR})
ONE_WORD: Final = 0.7
"""What a name of one word weighs that is made to be mistaken."""
MADE: Final = 2.0
"""What another name made to be mistaken weighs: there are none like it among the innocents who are counted."""
MOST_TOLD: Final = 25
"""Names told of an innocent, most alike first."""
DECIDED: Final = -5.0
"""What facts have decided already says nothing about names."""
SHARES: Final = {PartyKind.PERSON: 0.0095, PartyKind.ORGANISATION: 0.011}
"""Shares of the tuning half's innocents that are to reach the threshold."""
UNSCORED: Final = replace(DEFAULT, name_score=NameScore("none", -99.0, (), (), ()))
"""The engine without its name score."""
MOST: Final = log(HIGHEST_INEXACT / (1 - HIGHEST_INEXACT))
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """What a name is compared with, by likeness and facts; whether these are names of its own party; its weight.

    Of a party's own names one may resemble and all others not: only the one that is most alike is learned from.
    """

    likenesses: tuple[SimilarityFeatures, ...]
    facts: tuple[float, ...]
    is_same: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Innocent:
    """An innocent and what it is compared with. alerts: whatever the name score says. kind: person or organisation."""

    kind: PartyKind
    example: Example
    alerts: bool


def main() -> None:
    """Fit, set the level, write."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.screening.fit", description=__doc__
    )
    parser.add_argument("--size", type=int, default=1400, help="cases of a family (%(default)s)")
    parser.add_argument("--trees", type=int, default=400, help="trees (%(default)s)")
    parser.add_argument(
        "--un", type=Path, required=True, metavar="FILE", help="the UN's consolidated list, XML"
    )
    parser.add_argument(
        "--version", required=True, help="what the new score is called, as in 2026.3.0"
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "services" / "screening" / "core" / "names" / FILE
    )
    asked = parser.parse_args()
    console = Console(stderr=True)
    entries, cases = drawn(asked.un, asked.size)
    generation = ListIndex.build(entries, "fit")
    learned = list(
        examples(generation, [case for case in cases if case.half is Half.TUNING], console)
    )
    for turn in range(1, TURNS):
        entries, others = drawn(asked.un, asked.size, turn)
        own = [case for case in others if case.half is Half.TUNING and case.family in ALIASES]
        learned += held_out(ListIndex.build(entries, "fit"), own, console, AGAIN)
    entries, cases = drawn(asked.un, MANY)
    innocents = list(compared_innocents(ListIndex.build(entries, "fit"), cases, console))
    learned += [replace(each.example, weight=INNOCENT) for each in innocents]
    model = None
    for number in (1, 2):
        console.print(
            f"{len(learned)} names, {sum(each.is_same for each in learned)} of a listed party; fit {number}"
        )
        model = fit(learned, model, asked.trees)
    base, trees = written(model)
    levels = {kind: level(model, innocents, kind, share) for kind, share in SHARES.items()}
    asked.out.write_text(
        as_text({"version": asked.version, **levelled(base, trees, levels)}), encoding="utf-8"
    )
    console.print(f"written: {asked.out}")


def examples(generation: ListIndex, cases: Sequence[Case], console: Console) -> Iterator[Example]:
    """What is learned from: names of listed parties, names made to be mistaken, labelled pairs."""
    yield from held_out(generation, [case for case in cases if case.target is not None], console)
    for firm in firms(generation.entries, 600):
        if firm.half is Half.TUNING and firm.of is None:
            kinds = (PartyKind.ORGANISATION, PartyKind.PERSON)
            weight = ONE_WORD if firm.sort in ONE_WORD_SORTS else MADE
            for kind in kinds if firm.sort == FAMILY_ALONE else kinds[:1]:
                yield _example(
                    list(compared(generation, PartyQuery((firm.name,), kind))),
                    weight,
                    is_same=False,
                )
    small, labelled = pairs(generation)
    for case, is_match in labelled:
        if half_of_pair(case) is Half.TUNING and case.target is not None:
            yield _example(own_of(small, case), PAIR, is_same=is_match)


def held_out(
    generation: ListIndex, cases: Sequence[Case], console: Console, weight: float = 1.0
) -> Iterator[Example]:
    """Names of listed parties, each compared with the other names of its party."""
    for case in track(cases, "comparing", console=console):
        own = own_of(generation, case)
        if not found_anyway(generation, case):
            yield _example(own, SLIP if case.family in SLIPS else weight, is_same=True)


def own_of(generation: ListIndex, case: Case) -> list[Compared]:
    """The names of the case's own party, compared."""
    found = compared(generation, PartyQuery((case.name,), case.kind))
    return [one for one in found if case.target is not None and one[0] == case.target.entry_id]


def found_anyway(generation: ListIndex, case: Case) -> bool:
    """Whether a name is found whatever the name score says: as a whole name, an acronym, a translation."""
    hits = screen(generation, PartyQuery((case.name,), case.kind), UNSCORED).hits
    return case.target is not None and any(hit.entry_id == case.target.entry_id for hit in hits)


def compared_innocents(
    generation: ListIndex, cases: Sequence[Case], console: Console
) -> Iterator[Innocent]:
    """The tuning half's innocents, compared with everybody."""
    own = [case for case in cases if case.half is Half.TUNING and case.target is None]
    for case in track(own, "innocents", console=console):
        query = PartyQuery((case.name,), case.kind)
        others = _stranger(list(compared(generation, query)))
        yield Innocent(case.kind, others, bool(screen(generation, query, UNSCORED).hits))


def _stranger(found: Sequence[Compared]) -> Example:
    return _example(sorted(found, key=lambda one: -_rough(one[1]))[:MOST_TOLD], 1.0, is_same=False)


Compared = tuple[str, SimilarityFeatures, float]


def _example(found: Sequence[Compared], weight: float, *, is_same: bool) -> Example:
    return Example(tuple(one[1] for one in found), tuple(one[2] for one in found), is_same, weight)


def compared(generation: ListIndex, query: PartyQuery) -> Iterator[Compared]:
    """Everybody the query is compared with, however unlikely."""
    for entry, likeness, by in considered(generation, query, replace(UNSCORED, promising=-1.0)):
        yield entry.entry_id, likeness, by


def _rough(likeness: SimilarityFeatures) -> float:
    """A first guess, by which the names worth telling are chosen."""
    return (
        likeness.sorted_ratio
        + likeness.queried_coverage
        + likeness.listed_coverage
        + likeness.letter_ratio
    )


def fit(examples: Sequence[Example], before: Any, trees: int) -> Any:
    """Boosted trees that never fall with a likeness and never rise with a difference.

    before: the fit by which the name of a party is chosen that is most alike; None for a first guess.
    """
    likenesses: list[SimilarityFeatures] = []
    are_same: list[bool] = []
    weights: list[float] = []
    for example in examples:
        own = _most_alike(example, before) if example.is_same else _undecided(example)
        likenesses += own
        are_same += [example.is_same] * len(own)
        weights += [example.weight] * len(own)
    bound = [
        0 if name in UNCONSTRAINED else -1 if name in DECREASING else 1
        for name in SimilarityFeatures._fields
    ]
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_depth=DEPTH,
        max_leaf_nodes=2**DEPTH,
        learning_rate=0.06,
        l2_regularization=5,
        min_samples_leaf=30,
        monotonic_cst=bound,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(np.array(likenesses), np.array(are_same), np.array(weights))


def _most_alike(example: Example, model: Any) -> list[SimilarityFeatures]:
    if not example.likenesses:
        return []
    scores = (
        [_rough(each) for each in example.likenesses] if model is None else _scores(model, example)
    )
    return [example.likenesses[int(np.argmax(scores))]]


def _scores(model: Any, example: Example) -> Numbers:
    """Log-odds as they are judged: a name alone comes no nearer than it may, and facts move it from there."""
    by_name = np.minimum(model.decision_function(np.array(example.likenesses)), MOST)
    scores: Numbers = by_name + np.array(example.facts)
    return scores


def _undecided(example: Example) -> list[SimilarityFeatures]:
    return [
        each for each, by in zip(example.likenesses, example.facts, strict=True) if by > DECIDED
    ]


def level(model: Any, innocents: Sequence[Innocent], kind: PartyKind, share: float) -> float:
    """What is to be added so that this share of innocents reaches the threshold, those included who do anyway."""
    own = [each for each in innocents if each.kind is kind]
    rest = [each.example for each in own if not each.alerts and each.example.likenesses]
    best = sorted((float(_scores(model, each).max()) for each in rest), reverse=True)
    allowed = int(len(own) * share) - sum(each.alerts for each in own)
    return log(DEFAULT.threshold / (1 - DEFAULT.threshold)) - best[max(allowed, 0)] - 1e-3


def written(model: Any) -> tuple[float, list[dict[str, Any]]]:
    """The trees as questions and ends."""
    return float(model._baseline_prediction[0, 0]), [
        _tree(each[0].nodes) for each in model._predictors
    ]


def _tree(nodes: Any) -> dict[str, Any]:
    """A tree with all its questions; where it ends early the rest are asked in vain."""
    splits: list[tuple[str, float]] = [(SimilarityFeatures._fields[0], 2.0)] * SPLITS
    leaves = [0.0] * 2**DEPTH

    def put(node: int, place: int) -> None:
        if place >= SPLITS:
            leaves[place - SPLITS] = round(float(nodes[node]["value"]), 5)
            return
        if nodes[node]["is_leaf"]:
            put(node, 2 * place + 1)
            put(node, 2 * place + 2)
            return
        splits[place] = (
            SimilarityFeatures._fields[nodes[node]["feature_idx"]],
            round(float(nodes[node]["num_threshold"]), 5),
        )
        put(nodes[node]["left"], 2 * place + 1)
        put(nodes[node]["right"], 2 * place + 2)

    put(0, 0)
    return {"splits": splits, "leaves": leaves}


def levelled(
    base: float, trees: list[dict[str, Any]], levels: Mapping[PartyKind, float]
) -> dict[str, Any]:
    """The score with a level of its own for persons: one more tree asks whether the name is a person's."""
    no = [(SimilarityFeatures._fields[0], 2.0)] * (SPLITS - 1)
    person, firm = levels[PartyKind.PERSON], levels[PartyKind.ORGANISATION]
    asks = {
        "splits": [("is_person", 0.5), *no],
        "leaves": [0.0] * 2 ** (DEPTH - 1) + [round(person - firm, 5)] * 2 ** (DEPTH - 1),
    }
    return {"base": round(base + firm, 5), "trees": [asks, *trees]}


def as_text(data: Mapping[str, Any]) -> str:
    """JSON with a line for each tree, so that a change can be read."""
    trees = ",\n".join(f"  {json.dumps(tree)}" for tree in data["trees"])
    head = json.dumps({key: value for key, value in data.items() if key != "trees"}, indent=1)
    return f'{head[:-2]},\n "trees": [\n{trees}\n ]\n}}\n'


if __name__ == "__main__":
    main()
