"""The only door to rigour's analysed names, and logic-v2's comparison of two of them.

The comparison is that of nomenklatura 4.17 (`matching/logic_v2/names`), written anew around rigour's primitives: the
package itself loads a database toolkit and a statistics library, seconds and memory that screening does not need. The
tests compare both on the same names. nomenklatura is under the MIT license, Copyright (c) 2013-2022 Friedrich
Lindenberg, 2023-2025 OpenSanctions Datenbanken GmbH; its notice stands beside the benchmark's data.
"""

from dataclasses import dataclass
from typing import Any, Final

from rigour.names import (
    Alignment,
    CompareConfig,
    Name,
    NamePart,
    NamePartTag,
    NameTypeTag,
    Symbol,
    align_person_name_order,
    analyze_names,
    compare_parts,
)
from rigour.names.symbol import pair_symbols

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
STOP_WORD_WEIGHT: Final = 0.7
EXTRA_STOP_WORD_WEIGHT: Final = 0.5

Category: Final = Symbol.Category
PAIR_SCORES: Final = {
    Category.ORG_CLASS: 0.8,
    Category.INITIAL: 0.9,
    Category.NAME: 0.9,
    Category.NICK: 0.6,
    Category.SYMBOL: 0.9,
    Category.DOMAIN: 0.9,
    Category.NUMERIC: 0.9,
    Category.LOCATION: 0.9,
}
"""How alike two parts are that mean the same but are written differently, by what they mean."""
PAIR_WEIGHTS: Final = {
    Category.ORG_CLASS: 0.7,
    Category.INITIAL: 0.5,
    Category.NICK: 0.8,
    Category.SYMBOL: 0.3,
    Category.DOMAIN: 0.7,
    Category.NUMERIC: 1.3,
    Category.LOCATION: 0.8,
}
EXTRA_WEIGHTS: Final = {
    Category.ORG_CLASS: 0.7,
    Category.SYMBOL: 0.7,
    Category.NUMERIC: 1.3,
    Category.LOCATION: 0.8,
}
"""How much a part counts that only one name has, by what it means."""

Extras = dict[tuple[Any, ...], float]


@dataclass(frozen=True, slots=True)
class AnalysedName:
    """A name with its parts and symbols recognised, for one kind of party. extras: weights of parts left alone."""

    parts: Name
    extras: Extras


def analyse(text: str, kind: PartyKind, *, is_query: bool = False) -> AnalysedName | None:
    """The analysed name, None when nothing comparable is in it. Initials are inferred for queried names only."""
    names = analyze_names(TAGS[kind], [text], infer_initials=is_query, phonetics=False)
    if not names:
        return None
    name = next(iter(names))
    return AnalysedName(name, _extras(name))


def logic_score(queried: AnalysedName, listed: AnalysedName) -> float:
    """Logic-v2's score of two names, 0..1: the best over all ways to pair parts of one meaning."""
    best = 0.0
    for edges in pair_symbols(queried.parts, listed.parts):
        score = _weighed(_matched(queried.parts, listed.parts, edges), queried, listed)
        if score > best:
            best = score
            if best == 1.0:
                break
    return best


def _extras(name: Name) -> Extras:
    weights: Extras = {}
    for span in name.spans:
        category, part = span.symbol.category, span.parts[0]
        is_letter = len(span.parts) == 1 and not part.numeric and len(part.comparable) < 2
        weight = EXTRA_WEIGHTS.get(category, 1.0)
        if weight != 1.0 and not (category == Category.NUMERIC and is_letter):
            weights[span.parts] = weights.get(span.parts, 1.0) * weight
    return weights


def _matched(queried: Name, listed: Name, edges: Any) -> list[Alignment]:
    """Parts of one meaning paired, then the rest by letters."""
    matched = []
    for edge in edges:
        edge.score = PAIR_SCORES.get(edge.symbol.category, 1.0)
        edge.weight = PAIR_WEIGHTS.get(edge.symbol.category, 1.0)
        matched.append(edge)
    ours, theirs = list(queried.parts), list(listed.parts)
    if matched:
        used = {part for edge in matched for part in edge.qps}, {part for edge in matched for part in edge.rps}
        ours = [part for part in ours if part not in used[0]]
        theirs = [part for part in theirs if part not in used[1]]
    if ours or theirs:
        if NameTypeTag.PER in (queried.tag, listed.tag):
            ours, theirs = align_person_name_order(ours, theirs)
        else:
            ours, theirs = NamePart.tag_sort(ours), NamePart.tag_sort(theirs)
        matched.extend(compare_parts(ours, theirs, config=COMPARE))
    return matched


def _weighed(matched: list[Alignment], queried: AnalysedName, listed: AnalysedName) -> float:
    found = whole = 0.0
    for match in matched:
        ours, theirs = match.qps, match.rps
        score, weight = match.score, match.weight
        if not ours:
            weight = EXTRA_RESULT_WEIGHT * _alone(theirs, listed.extras)
        elif not theirs:
            weight = EXTRA_QUERY_WEIGHT * _alone(ours, queried.extras)
        elif score < 1.0 and match.qstr == match.rstr:
            score = 1.0
        if _is_stop_word(ours) or _is_stop_word(theirs):
            weight *= STOP_WORD_WEIGHT
        if any(part.tag == NamePartTag.FAMILY for part in (*ours, *theirs)):
            weight *= FAMILY_NAME_WEIGHT
        found += score * weight
        whole += weight
    return found / whole if whole > 0 else 0.0


def _is_stop_word(parts: Any) -> bool:
    return len(parts) == 1 and parts[0].tag == NamePartTag.STOP


def _alone(parts: Any, extras: Extras) -> float:
    return EXTRA_STOP_WORD_WEIGHT if _is_stop_word(parts) else extras.get(tuple(parts), 1.0) if extras else 1.0


def prepare() -> None:
    """Loads the name tables of every kind and script; the libraries would do so at the first name that needs them."""
    for kind in TAGS:
        for text in ("Mohammed Trading", "Владимир", "محمد", "华为技术有限公司", "김정은"):
            analyse(text, kind, is_query=True)
