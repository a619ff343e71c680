"""Labelled pairs of names: are both names of one party?

Every system is measured at its best threshold.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Final

from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.index import ListIndex
from tests.bench.screening.cases import DATA, Case, Family, Half, half_of
from tests.bench.screening.systems import System

KINDS: Final = {
    "Person": PartyKind.PERSON,
    "Company": PartyKind.ORGANISATION,
    "Organization": PartyKind.ORGANISATION,
    "Vessel": PartyKind.VESSEL,
}


def half_of_pair(case: Case) -> Half:
    """Returns the half of a labelled pair.

    Pairs that share a name are in one half if it sorts first.
    """
    listed = case.target.name if case.target else ""
    return half_of(min(case.name, listed))


def pairs(whole: ListIndex) -> tuple[ListIndex, list[tuple[Case, bool]]]:
    """Returns an index of the second names and a case for each first name.

    Words weigh as in the whole index.
    """
    entries, cases = [], []
    with (DATA / "name_pairs.csv").open(encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            kind = KINDS.get(row["schema"], PartyKind.UNKNOWN)
            entry = Entry(f"P-{number}", "P", row["name2"], str(number), kind=kind)
            entries.append(entry)
            cases.append(
                (
                    Case(Family.ALIAS, Half.CHECK, row["name1"], kind, entry),
                    row["is_match"] == "true",
                )
            )
    return whole.restricted_to(entries), cases


def best_f1(
    systems: Sequence[System], cases: Sequence[tuple[Case, bool]]
) -> Mapping[str, Mapping[str, float]]:
    """Returns the best F1 of each system and its threshold: of all pairs and of each half.

    The name score was fitted on the tuning half's pairs, so only the check half shows how it does
    on unseen pairs.
    """
    found = {}
    for system in systems:
        scored = [
            (half_of_pair(case), (system.score(case).own, is_match)) for case, is_match in cases
        ]
        f1, threshold = _best([each for _, each in scored])
        halves = {
            half.value: _best([each for own, each in scored if own is half])[0] for half in Half
        }
        found[system.name] = {"best_f1": f1, "threshold": threshold, **halves}
    return found


def _best(scored: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    return max((_f1(scored, least), least) for least in {round(score, 3) for score, _ in scored})


def _f1(scored: Sequence[tuple[float, bool]], least: float) -> float:
    right = sum(is_match and score >= least for score, is_match in scored)
    predicted, actual = (
        sum(score >= least for score, _ in scored),
        sum(is_match for _, is_match in scored),
    )
    return 2 * right / (predicted + actual)
