"""`python -m tests.bench.screening.fit` fits the name score and writes it.

It uses the tuning half of the labels. Listed parties under other names must score high, innocents
low. Labelled pairs of names and innocent firms that are made to be mistaken are examples too. The
level is then set so that a fixed share of the tuning half's innocents reaches the threshold,
separately for persons and firms. The same labels give the same file.

`python -m tests.bench.screening` measures the result on the check half.
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
from services.screening.core.matching.score_samples import score_samples
from services.screening.core.matching.screening import screen
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
from tests.bench.screening.innocent_firms import FAMILY_ALONE, ONE_WORD_SORTS, innocent_firms
from tests.bench.screening.name_pairs import half_of_pair, pairs

PAIR_WEIGHT: Final = 8.0
"""Weight of a labelled pair. A listed party's own name weighs 1."""
HELD_OUT_ALIASES: Final = 4
"""Aliases of a party that are held out, one after the other."""
INNOCENT_CASES: Final = 3500
"""Cases of a family from which innocents are taken: five times as many persons, twice as many
firms.
"""
INNOCENT_WEIGHT: Final = 0.4
"""Weight of an innocent: there are many."""
REPEATED_PARTY_WEIGHT: Final = 0.5
"""Weight of a further alias: its party is already an example."""
TYPING_ERROR_WEIGHT: Final = 0.5
"""Weight of a name with typing errors: most are found anyway."""
TYPING_ERRORS: Final = frozenset({Family.ONE_SLIP, Family.SLIPS, Family.BY_EAR})
ONE_WORD_FIRM_WEIGHT: Final = 0.7
"""Weight of an innocent firm of one word."""
INNOCENT_FIRM_WEIGHT: Final = 2.0
"""Weight of another innocent firm: the innocents that are counted contain none like it."""
MAX_NAMES_OF_INNOCENT: Final = 25
"""Compared names of an innocent that are examples, most similar first."""
DECIDED_BY_FACTS: Final = -5.0
"""If facts lower a score more than this, the pair says nothing about names."""
INNOCENT_SHARES: Final = {PartyKind.PERSON: 0.0095, PartyKind.ORGANISATION: 0.011}
"""Shares of the tuning half's innocents that reach the threshold."""
WITHOUT_NAME_SCORE: Final = replace(DEFAULT, name_score=NameScore("none", -99.0, (), (), ()))
"""The configuration without a name score."""
HIGHEST_LOG_ODDS: Final = log(HIGHEST_INEXACT / (1 - HIGHEST_INEXACT))
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """The names that a query is compared with, as features and log-odds of facts.

    is_same: whether these are names of the query's own party. Only the most similar of them is
    learned from, because the others need not resemble the query. weight: the weight of the example.
    """

    features: tuple[SimilarityFeatures, ...]
    facts: tuple[float, ...]
    is_same: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Innocent:
    """An innocent and what it is compared with.

    alerts: whether it alerts whatever the name score is.
    """

    kind: PartyKind
    example: Example
    alerts: bool


def main() -> None:
    """Fits, sets the level, writes."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.screening.fit", description=__doc__
    )
    parser.add_argument(
        "--size", type=int, default=1400, help="cases of a family (default %(default)s)"
    )
    parser.add_argument(
        "--trees", type=int, default=400, help="number of trees (default %(default)s)"
    )
    parser.add_argument(
        "--un", type=Path, required=True, metavar="FILE", help="consolidated list of the UN, XML"
    )
    parser.add_argument(
        "--version", required=True, help="version of the new score, for example 2026.3.0"
    )
    parser.add_argument(
        "--out", type=Path, default=CHECKOUT / "services" / "screening" / "core" / "names" / FILE
    )
    args = parser.parse_args()
    console = Console(stderr=True)
    entries, cases = drawn(args.un, args.size)
    index = ListIndex.build(entries, "fit")
    learned = list(examples(index, [case for case in cases if case.half is Half.TUNING], console))
    for turn in range(1, HELD_OUT_ALIASES):
        entries, others = drawn(args.un, args.size, turn)
        own = [case for case in others if case.half is Half.TUNING and case.family in ALIASES]
        learned += held_out(ListIndex.build(entries, "fit"), own, console, REPEATED_PARTY_WEIGHT)
    entries, cases = drawn(args.un, INNOCENT_CASES)
    innocents = list(compared_innocents(ListIndex.build(entries, "fit"), cases, console))
    learned += [replace(each.example, weight=INNOCENT_WEIGHT) for each in innocents]
    model = None
    for number in (1, 2):
        listed = sum(each.is_same for each in learned)
        console.print(f"{len(learned)} names, {listed} of a listed party; fit {number}")
        model = fit(learned, model, args.trees)
    base, trees = splits_and_leaves(model)
    levels = {kind: level(model, innocents, kind, share) for kind, share in INNOCENT_SHARES.items()}
    args.out.write_text(
        as_text({"version": args.version, **with_levels(base, trees, levels)}), encoding="utf-8"
    )
    console.print(f"written: {args.out}")


def examples(index: ListIndex, cases: Sequence[Case], console: Console) -> Iterator[Example]:
    """Yields the examples: names of listed parties, innocent firms, labelled pairs."""
    yield from held_out(index, [case for case in cases if case.target is not None], console)
    for firm in innocent_firms(index.entries, 600):
        if firm.half is Half.TUNING and firm.of is None:
            kinds = (PartyKind.ORGANISATION, PartyKind.PERSON)
            weight = ONE_WORD_FIRM_WEIGHT if firm.sort in ONE_WORD_SORTS else INNOCENT_FIRM_WEIGHT
            for kind in kinds if firm.sort == FAMILY_ALONE else kinds[:1]:
                yield _example(
                    list(compared(index, PartyQuery((firm.name,), kind))),
                    weight,
                    is_same=False,
                )
    small, labelled = pairs(index)
    for case, is_match in labelled:
        if half_of_pair(case) is Half.TUNING and case.target is not None:
            yield _example(own_of(small, case), PAIR_WEIGHT, is_same=is_match)


def held_out(
    index: ListIndex, cases: Sequence[Case], console: Console, weight: float = 1.0
) -> Iterator[Example]:
    """Yields names of listed parties, each compared with the other names of its party."""
    for case in track(cases, "comparing", console=console):
        own = own_of(index, case)
        if not found_anyway(index, case):
            yield _example(
                own, TYPING_ERROR_WEIGHT if case.family in TYPING_ERRORS else weight, is_same=True
            )


def own_of(index: ListIndex, case: Case) -> list[Compared]:
    """Returns the comparisons with the names of the case's own party."""
    found = compared(index, PartyQuery((case.name,), case.kind))
    return [one for one in found if case.target is not None and one[0] == case.target.entry_id]


def found_anyway(index: ListIndex, case: Case) -> bool:
    """Returns whether a name is found without the name score, for instance as an acronym."""
    hits = screen(index, PartyQuery((case.name,), case.kind), WITHOUT_NAME_SCORE).hits
    return case.target is not None and any(hit.entry_id == case.target.entry_id for hit in hits)


def compared_innocents(
    index: ListIndex, cases: Sequence[Case], console: Console
) -> Iterator[Innocent]:
    """Yields the tuning half's innocents, compared with all listed names."""
    own = [case for case in cases if case.half is Half.TUNING and case.target is None]
    for case in track(own, "innocents", console=console):
        query = PartyQuery((case.name,), case.kind)
        others = _example_of_innocent(list(compared(index, query)))
        yield Innocent(case.kind, others, bool(screen(index, query, WITHOUT_NAME_SCORE).hits))


def _example_of_innocent(found: Sequence[Compared]) -> Example:
    return _example(
        sorted(found, key=lambda one: -_rough_similarity(one[1]))[:MAX_NAMES_OF_INNOCENT],
        1.0,
        is_same=False,
    )


Compared = tuple[str, SimilarityFeatures, float]


def _example(found: Sequence[Compared], weight: float, *, is_same: bool) -> Example:
    return Example(tuple(one[1] for one in found), tuple(one[2] for one in found), is_same, weight)


def compared(index: ListIndex, query: PartyQuery) -> Iterator[Compared]:
    """Yields all comparisons of a query, however dissimilar."""
    for entry, features, by in score_samples(
        index, query, replace(WITHOUT_NAME_SCORE, promising=-1.0)
    ):
        yield entry.entry_id, features, by


def _rough_similarity(features: SimilarityFeatures) -> float:
    """Returns a rough similarity, by which the most similar names are chosen."""
    return (
        features.sorted_ratio
        + features.queried_coverage
        + features.listed_coverage
        + features.letter_ratio
    )


def fit(examples: Sequence[Example], before: Any, trees: int) -> Any:
    """Returns boosted trees that never fall with a similarity and never rise with a difference.

    before: an earlier fit that chooses the most similar name of a party, or None for a rough guess.
    """
    features: list[SimilarityFeatures] = []
    are_same: list[bool] = []
    weights: list[float] = []
    for example in examples:
        own = _most_alike(example, before) if example.is_same else _decided_by_names(example)
        features += own
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
    return model.fit(np.array(features), np.array(are_same), np.array(weights))


def _most_alike(example: Example, model: Any) -> list[SimilarityFeatures]:
    if not example.features:
        return []
    scores = (
        [_rough_similarity(each) for each in example.features]
        if model is None
        else _scores(model, example)
    )
    return [example.features[int(np.argmax(scores))]]


def _scores(model: Any, example: Example) -> Numbers:
    """Returns the log-odds by which a hit is decided.

    A name alone cannot exceed the highest inexact score. Facts move the log-odds from there.
    """
    by_name = np.minimum(model.decision_function(np.array(example.features)), HIGHEST_LOG_ODDS)
    scores: Numbers = by_name + np.array(example.facts)
    return scores


def _decided_by_names(example: Example) -> list[SimilarityFeatures]:
    return [
        each
        for each, by in zip(example.features, example.facts, strict=True)
        if by > DECIDED_BY_FACTS
    ]


def level(model: Any, innocents: Sequence[Innocent], kind: PartyKind, share: float) -> float:
    """Returns the log-odds to add so that this share of innocents reaches the threshold."""
    own = [each for each in innocents if each.kind is kind]
    rest = [each.example for each in own if not each.alerts and each.example.features]
    best = sorted((float(_scores(model, each).max()) for each in rest), reverse=True)
    allowed = int(len(own) * share) - sum(each.alerts for each in own)
    return log(DEFAULT.threshold / (1 - DEFAULT.threshold)) - best[max(allowed, 0)] - 1e-3


def splits_and_leaves(model: Any) -> tuple[float, list[dict[str, Any]]]:
    """Returns the base and the trees of a fitted model, as splits and leaves."""
    return float(model._baseline_prediction[0, 0]), [
        _tree(each[0].nodes) for each in model._predictors
    ]


def _tree(nodes: Any) -> dict[str, Any]:
    """Returns a complete tree.

    Where the fitted tree ends early, the remaining splits have no effect.
    """
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


def with_levels(
    base: float, trees: list[dict[str, Any]], levels: Mapping[PartyKind, float]
) -> dict[str, Any]:
    """Returns the score with a level of its own for persons.

    One more tree tests whether the name is a person's.
    """
    no = [(SimilarityFeatures._fields[0], 2.0)] * (SPLITS - 1)
    person, firm = levels[PartyKind.PERSON], levels[PartyKind.ORGANISATION]
    person_tree = {
        "splits": [("is_person", 0.5), *no],
        "leaves": [0.0] * 2 ** (DEPTH - 1) + [round(person - firm, 5)] * 2 ** (DEPTH - 1),
    }
    return {"base": round(base + firm, 5), "trees": [person_tree, *trees]}


def as_text(data: Mapping[str, Any]) -> str:
    """Returns JSON with one line per tree, so that a difference can be read."""
    trees = ",\n".join(f"  {json.dumps(tree)}" for tree in data["trees"])
    head = json.dumps({key: value for key, value in data.items() if key != "trees"}, indent=1)
    return f'{head[:-2]},\n "trees": [\n{trees}\n ]\n}}\n'


if __name__ == "__main__":
    main()
