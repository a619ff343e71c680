"""Answers one line of the input with a JSON line.

Every line gets an answer, even an invalid one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.screening.batch.list_files import published_id
from services.screening.batch.queries import Fault, InvalidLine, Json, Query, read_line
from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.model import Hit, Result, Screening
from services.screening.core.names.index import ListIndex

_MS_DIGITS: Final = 3
_DETAIL_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the answers.

    limit: maximum number of hits per party. min_score: lowest score that is shown; None: the
    threshold.
    """

    config: ScreeningConfig
    limit: int
    explain: bool
    min_score: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one line.

    result: of the screening, or the fault of a line that was not screened.
    """

    text: str
    result: Result | Fault
    ms: float


def answer(index: ListIndex, options: Options, number: int, line: bytes) -> Answer:
    """Returns the answer to a line. number: of the line, from 1."""
    query = read_line(line)
    if isinstance(query, InvalidLine):
        return _invalid(number, query)
    began = time.perf_counter()
    try:
        screening = screen(index, query.party, options.config, floor=options.min_score)
    except Exception as error:  # noqa: BLE001 - a party that breaks the matcher must not cost all other answers
        detail = f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS]
        return _invalid(number, InvalidLine(query.id, Fault.ENGINE_FAULT, detail))
    ms = (time.perf_counter() - began) * 1e3
    return Answer(_text(index, query, screening, options, ms), screening.result, ms)


def _invalid(number: int, line: InvalidLine) -> Answer:
    fields: Mapping[str, Json] = {
        "id": line.id,
        "result": Result.UNDETERMINED.value,
        "hits": [],
        "ms": 0.0,
        "reasons": [line.fault.value],
        "line": number,
        "detail": line.detail,
    }
    return Answer(_json(fields), line.fault, 0.0)


def _text(index: ListIndex, query: Query, screening: Screening, options: Options, ms: float) -> str:
    least = options.config.threshold if options.min_score is None else options.min_score
    hits = [hit for hit in (*screening.hits, *screening.near_misses) if hit.score >= least]
    fields: dict[str, Json] = {
        "id": query.id,
        "result": screening.result.value,
        "hits": [_hit(index, hit, explain=options.explain) for hit in hits[: options.limit]],
        "ms": round(ms, _MS_DIGITS),
    }
    if screening.reasons:
        fields["reasons"] = [reason.value for reason in screening.reasons]
    if screening.flags:
        fields["flags"] = [flag.value for flag in screening.flags]
    return _json(fields)


def _hit(index: ListIndex, hit: Hit, *, explain: bool) -> Json:
    fields: dict[str, Json] = {
        "entry_id": published_id(hit.entry_id),
        "score": hit.score,
        "name": index.names_by_id[hit.entry_id],
        "list": hit.list_code,
        "matched_name": hit.matched_name,
        "strength": hit.strength.value,
    }
    if explain:
        fields["explanation"] = [
            {"about": each.kind.value, "effect": each.effect.value, "detail": each.detail}
            for each in hit.explanation
        ]
        fields["programs"] = list(hit.programs)
        fields["source"] = hit.source_list
    return fields


def _json(fields: Mapping[str, Json]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
