"""Answers one line of a book of parties: the screening as a JSON line. Every line gets one, whatever is in it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.screening.batch.files import published_id
from services.screening.batch.queries import Asked, Fault, Json, Unreadable, read_line
from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.model import Hit, Result, Screening
from services.screening.core.names.index import ListIndex

ROUND_MS: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """How answers are to look. limit: hits a party at most. min_score: hits from here on, None: from the threshold."""

    config: ScreeningConfig
    limit: int
    explain: bool
    min_score: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered line. result: the screening's, or the fault of a line that could not be screened."""

    text: str
    result: Result | Fault
    ms: float


def answer(generation: ListIndex, wanted: Wanted, number: int, line: bytes) -> Answer:
    """The answer to a line of the book; number: of the line, from 1."""
    asked = read_line(line)
    if isinstance(asked, Unreadable):
        return _refused(number, asked)
    began = time.perf_counter()
    try:
        screening = screen(generation, asked.party, wanted.config, floor=wanted.min_score)
    except Exception as error:  # noqa: BLE001 - one party that breaks the engine must not cost the answers to all others
        return _refused(
            number,
            Unreadable(asked.id, Fault.ENGINE_FAULT, f"{type(error).__name__}: {error}"[:200]),
        )
    ms = (time.perf_counter() - began) * 1e3
    return Answer(_said(generation, asked, screening, wanted, ms), screening.result, ms)


def _refused(number: int, line: Unreadable) -> Answer:
    said: Mapping[str, Json] = {
        "id": line.id,
        "result": Result.UNDETERMINED.value,
        "hits": [],
        "ms": 0.0,
        "reasons": [line.fault.value],
        "line": number,
        "detail": line.detail,
    }
    return Answer(_json(said), line.fault, 0.0)


def _said(
    generation: ListIndex, asked: Asked, screening: Screening, wanted: Wanted, ms: float
) -> str:
    least = wanted.config.threshold if wanted.min_score is None else wanted.min_score
    hits = [hit for hit in (*screening.hits, *screening.near_misses) if hit.score >= least][
        : wanted.limit
    ]
    said: dict[str, Json] = {
        "id": asked.id,
        "result": screening.result.value,
        "hits": [_hit(generation, hit, explain=wanted.explain) for hit in hits],
        "ms": round(ms, ROUND_MS),
    }
    if screening.reasons:
        said["reasons"] = [reason.value for reason in screening.reasons]
    if screening.flags:
        said["flags"] = [flag.value for flag in screening.flags]
    return _json(said)


def _hit(generation: ListIndex, hit: Hit, *, explain: bool) -> Json:
    said: dict[str, Json] = {
        "entry_id": published_id(hit.entry_id),
        "score": hit.score,
        "name": generation.names_by_id[hit.entry_id],
        "list": hit.list_code,
        "matched_name": hit.matched_name,
        "strength": hit.strength.value,
    }
    if explain:
        said["explanation"] = [
            {"about": each.kind.value, "effect": each.effect.value, "detail": each.detail}
            for each in hit.explanation
        ]
        said["programs"] = list(hit.programs)
        said["source"] = hit.source_list
    return said


def _json(said: Mapping[str, Json]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
