"""Labelled pairs of parties, judged by this engine and by nomenklatura's logic-v2.

The parties are described by their names, whole or in parts. Each system uses the threshold it is
shipped with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from followthemoney import model as schemata
from nomenklatura.matching import LogicV2

from services.screening.core.config import DEFAULT
from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise
from tests.bench.screening.cases import DATA, Case, Family, Half
from tests.bench.screening.name_pairs import KINDS
from tests.bench.screening.systems import Engine

NAME_PARTS: Final = ("firstName", "middleName", "fatherName", "lastName")
LOGIC_THRESHOLD: Final = 0.7
"""The score from which the authors of logic-v2 take two parties for one."""


@dataclass(frozen=True, slots=True)
class EntityPair:
    """Two parties as their fields, the kind of both, and whether they are one."""

    schema: str
    queried: Mapping[str, str]
    listed: Mapping[str, str]
    is_match: bool

    @property
    def kind(self) -> PartyKind:
        """The kind in this project's terms."""
        return KINDS.get(self.schema, PartyKind.UNKNOWN)


def entity_pairs() -> list[EntityPair]:
    """Returns the pairs of the file."""
    rows = yaml.safe_load((DATA / "entity_pairs.yml").read_text(encoding="utf-8"))["checks"]
    return [EntityPair(row["schema"], row["query"], row["candidate"], row["match"]) for row in rows]


def name_of(fields: Mapping[str, str]) -> str:
    """Returns the name of a party, as given or made of its parts.

    The parts are in the order in which they are spoken.
    """
    return fields.get("name") or " ".join(fields[part] for part in NAME_PARTS if part in fields)


def accuracy(whole: ListIndex) -> dict[str, Any]:
    """Returns the share of pairs that each system judges as labelled, and the engine's wrong ones.

    Words weigh as in the whole index.
    """
    pairs = entity_pairs()
    ours = list(_engine_scores(whole, pairs))
    wrong = [
        {
            "queried": name_of(pair.queried),
            "listed": name_of(pair.listed),
            "is_match": pair.is_match,
            "score": round(score, 3),
        }
        for pair, score in zip(pairs, ours, strict=True)
        if (score >= DEFAULT.threshold) is not pair.is_match
    ]
    theirs = sum((_logic_v2(pair) >= LOGIC_THRESHOLD) is pair.is_match for pair in pairs)
    return {
        "pairs": len(pairs),
        "safeconduct": 1 - len(wrong) / len(pairs),
        "logic-v2": theirs / len(pairs),
        "wrong": wrong,
    }


def _engine_scores(whole: ListIndex, pairs: Sequence[EntityPair]) -> Iterable[float]:
    entries = [
        Entry(f"P-{number}", "P", name_of(pair.listed), str(number), kind=pair.kind)
        for number, pair in enumerate(pairs)
    ]
    engine = Engine(whole.restricted_to(entries))
    for pair, entry in zip(pairs, entries, strict=True):
        yield engine.score(
            Case(Family.ALIAS, Half.CHECK, name_of(pair.queried), pair.kind, entry)
        ).own


def _logic_v2(pair: EntityPair) -> float:
    """Returns the score of nomenklatura's whole comparison.

    Each entity needs an id of its own, because its caches know entities by nothing else.
    """
    queried, listed = (
        schemata.get_proxy(
            {
                "id": f"{side}-{id(pair)}-{normalise(name_of(fields)).key}",
                "schema": pair.schema,
                "properties": {field: [value] for field, value in fields.items()},
            }
        )
        for side, fields in (("queried", pair.queried), ("listed", pair.listed))
    )
    return LogicV2.compare(queried, listed, LogicV2.default_config()).score
