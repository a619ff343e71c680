"""Turns scores into figures.

The threshold is the score at which a share of innocents alerts. The recall is measured there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.screening.cases import Case, Family, Half
from tests.bench.screening.systems import Scored, System

SHARES: Final = (0.01, 0.02)
"""Shares of innocent persons that alert."""
TOGETHER: Final = {
    "aliases and altered names": (Family.ALIAS, Family.FIRM_ALIAS, Family.ALTERED),
    "typing errors and spelling by ear": (Family.ONE_SLIP, Family.SLIPS, Family.BY_EAR),
    "original script, all": (Family.SCRIPT, Family.FIRM_SCRIPT),
}
"""Families whose cases are also counted together."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of a system on one half at one threshold.

    recall and cases: by family. innocent_firms: the share that alerts.
    """

    system: str
    half: Half
    share: float
    threshold: float
    recall: Mapping[str, float]
    cases: Mapping[str, int]
    innocent_firms: float


def outcome(
    system: System,
    half: Half,
    share: float,
    scored: Sequence[tuple[Case, Scored]],
    threshold: float | None = None,
) -> Outcome:
    """Returns the figures of one half.

    threshold: if None, it is the one at which the share of innocents alerts.
    """
    own = [(case, score) for case, score in scored if case.half is half]
    innocents = sorted(
        (score.any for case, score in own if case.family is Family.INNOCENT), reverse=True
    )
    least = _threshold(innocents, share) if threshold is None else threshold
    found: dict[str, list[bool]] = {}
    for case, score in own:
        if case.target is not None:
            names = [
                case.family.value,
                *(name for name, families in TOGETHER.items() if case.family in families),
            ]
            for name in names:
                found.setdefault(name, []).append(score.own >= least)
    firms = [score.any >= least for case, score in own if case.family is Family.INNOCENT_FIRM]
    actual = sum(score >= least for score in innocents) / len(innocents) if innocents else 0.0
    return Outcome(
        system.name,
        half,
        actual,
        least,
        {name: sum(each) / len(each) for name, each in found.items()},
        {name: len(each) for name, each in found.items()},
        sum(firms) / len(firms) if firms else 0.0,
    )


def _threshold(innocents: Sequence[float], share: float) -> float:
    """Returns the lowest score at which at most this share alerts.

    innocents: their scores, highest first.
    """
    allowed = int(len(innocents) * share)
    return innocents[allowed] + 1e-6 if allowed < len(innocents) else 0.0
