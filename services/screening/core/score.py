"""The only door to nomenklatura's name comparison and rigour's analysed names.

The comparison is internal to nomenklatura: its version is pinned, everything goes through this module, and golden
scores in the tests tell when a new release judges differently. Names are compared as values; nothing here is cached
by a party's id.
"""

from dataclasses import dataclass
from typing import Final

from nomenklatura.matching.logic_v2.names.match import match_name_symbolic
from rigour.names import CompareConfig, Name, NameTypeTag, analyze_names

from services.screening.core.model import PartyKind

TAGS: Final = {
    PartyKind.PERSON: NameTypeTag.PER,
    PartyKind.ORGANISATION: NameTypeTag.ORG,
    PartyKind.VESSEL: NameTypeTag.OBJ,
    PartyKind.AIRCRAFT: NameTypeTag.OBJ,
    PartyKind.UNKNOWN: NameTypeTag.ENT,
}
# logic-v2's published defaults.
COMPARE: Final = CompareConfig(budget_tolerance=1.0)
EXTRA_QUERY_WEIGHT: Final = 0.8
EXTRA_RESULT_WEIGHT: Final = 0.2
FAMILY_NAME_WEIGHT: Final = 1.3


@dataclass(frozen=True, slots=True)
class AnalysedName:
    """A name with its parts and symbols recognised, for one kind of party."""

    parts: Name


def analyse(text: str, kind: PartyKind, *, is_query: bool = False) -> AnalysedName | None:
    """The analysed name, None when nothing comparable is in it. Initials are inferred for queried names only."""
    names = analyze_names(TAGS[kind], [text], infer_initials=is_query, phonetics=False)
    return AnalysedName(next(iter(names))) if names else None


def logic_score(queried: AnalysedName, listed: AnalysedName) -> float:
    """Nomenklatura's logic-v2 score of two names, 0..1."""
    result, _ = match_name_symbolic(
        queried.parts, listed.parts, COMPARE, EXTRA_QUERY_WEIGHT, EXTRA_RESULT_WEIGHT, FAMILY_NAME_WEIGHT
    )
    return float(result.score)


def prepare() -> None:
    """Loads the name tables of every kind and script; the libraries would do so at the first name that needs them."""
    for kind in TAGS:
        for text in ("Mohammed Trading", "Владимир", "محمد", "华为技术有限公司", "김정은"):
            analyse(text, kind, is_query=True)
