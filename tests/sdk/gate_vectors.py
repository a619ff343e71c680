"""The test vectors in sdk/conformance, as messages of the contract and values of the gate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.json_format import ParseDict
from safeconduct.enforcement.v1 import model_pb2, service_pb2
from safeconduct.standing import Access, AccessVerdict

from infra.cache import CHECKOUT

FILE = CHECKOUT / "sdk" / "conformance" / "gate_vectors.json"


@dataclass(frozen=True)
class Vector:
    """One case: what the gate knows, the access, and the verdict."""

    name: str
    standing: model_pb2.Standing | None
    request: service_pb2.CheckAccessRequest
    wall_clock: datetime
    knowledge_age_ns: int | None
    allowed: bool
    verdict: AccessVerdict
    standing_version: int

    @property
    def access(self) -> Access:
        request = self.request
        end_use = model_pb2.EndUse.Name(request.requested_end_use).removeprefix("END_USE_")
        mode = model_pb2.AccessMode.Name(request.access_mode).removeprefix("ACCESS_MODE_")
        return Access(request.license_id, request.model_id, mode, request.destination, end_use)


def name_of(vector: Vector) -> str:
    return vector.name


def _vector(entry: dict[str, Any], standings: dict[str, Any]) -> Vector:
    name, expected = entry["standing"], entry["expected"]
    return Vector(
        entry["name"],
        None if name is None else ParseDict(standings[name], model_pb2.Standing()),
        ParseDict(entry["access"], service_pb2.CheckAccessRequest()),
        datetime.fromisoformat(entry["wallClock"]),
        entry["knowledgeAgeNs"],
        expected["allowed"],
        AccessVerdict(expected["verdict"].removeprefix("ACCESS_VERDICT_")),
        expected["standingVersion"],
    )


_DOCUMENT = json.loads(FILE.read_text(encoding="utf-8"))
VECTORS = tuple(_vector(each, _DOCUMENT["standings"]) for each in _DOCUMENT["vectors"])
UNCLEAR_VECTORS = tuple(
    _vector(each, _DOCUMENT["unclearStandings"]) for each in _DOCUMENT["unclearVectors"]
)
