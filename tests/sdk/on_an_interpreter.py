"""Runs on every supported Python version, with the package and its requirements only.

Started by test_python_versions.py. Prints one JSON document; fails with a traceback.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import safeconduct
from google.protobuf.json_format import ParseDict
from safeconduct import conduct
from safeconduct.client import Client
from safeconduct.enforcement.v1 import model_pb2
from safeconduct.gate import Gate, decode_standing
from safeconduct.standing import Access, AccessVerdict, StandingState, judge

LICENSE = sys.argv[1]
VECTORS = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))


def modules() -> int:
    """Imports every module of the package; returns their number."""
    found = list(pkgutil.walk_packages(safeconduct.__path__, "safeconduct."))
    for module in found:
        if module.name != "safeconduct.cli.__main__":
            importlib.import_module(module.name)
    return len(found)


def wrong_vectors() -> list[str]:
    """Decides every test vector of gates; returns the names of those that come out wrong."""
    return [each["name"] for each in VECTORS["vectors"] if decided(each) != each["expected"]]


def decided(vector: dict[str, Any]) -> dict[str, Any]:
    """The verdict of one vector, in the form of its expectation."""
    name, request = vector["standing"], vector["access"]
    found = VECTORS["standings"].get(name)
    standing = decode_standing(ParseDict(found, model_pb2.Standing())) if found else None
    end_use = request.get("requestedEndUse", "").replace("END_USE_", "", 1)
    names = ("licenseId", "modelId", "destination")
    license_id, model_id, destination = (request.get(name, "") for name in names)
    mode = request.get("accessMode", "").replace("ACCESS_MODE_", "")
    access = Access(license_id, model_id, mode, destination, end_use)
    now = datetime.fromisoformat(vector["wallClock"].replace("Z", "+00:00"))
    verdict = judge(standing, access, now, vector["knowledgeAgeNs"])
    return {
        "allowed": verdict.allowed,
        "verdict": f"ACCESS_VERDICT_{verdict.reason}",
        "standingVersion": verdict.standing_version,
    }


async def gate() -> list[str]:
    """Follows the standing of one license over mutual TLS until it is revoked."""
    async with Gate.from_env() as found:
        await found.ready()
        seen = []
        async for standing in found.changes():
            verdict = found.check(
                LICENSE, "example-frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE"
            )
            seen.append(f"{verdict.reason}")
            print(f"version {standing.version}", file=sys.stderr, flush=True)
            if standing.state is StandingState.REVOKED:
                return seen
    raise AssertionError


async def client() -> str:
    """Reads one application; returns its id."""
    async with Client.from_env() as found:
        return (await found.applications.get("any")).application_id


key = conduct.generate_key()
signature = conduct.sign(b"a text", key)
print(
    json.dumps(
        {
            "modules": modules(),
            "wrongVectors": wrong_vectors(),
            "gate": asyncio.run(gate()),
            "application": asyncio.run(client()),
            "signature": conduct.verify(b"a text", signature, conduct.public_bytes(key)),
            "isText": AccessVerdict.ALLOWED == "ALLOWED"
            and str(AccessVerdict.ALLOWED) == "ALLOWED",
        }
    )
)
