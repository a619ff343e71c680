"""Runs on every Python version that the package supports, without anything but the package and its needs.

Started by test_python_versions.py. Prints one JSON document; fails with a traceback.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import safeconduct
from safeconduct import conduct
from safeconduct.client import Client
from safeconduct.gate import Gate
from safeconduct.standing import Access, AccessVerdict, Standing, StandingState, judge

LICENSE = sys.argv[1]
ACCESS = Access(LICENSE, "example-frontier-1", "DE", "HEALTHCARE")
NOON = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
GRANTED = Standing(
    license_id=LICENSE,
    license_number="SC-2026-00000001",
    partner_id="example-1",
    version=3,
    state=StandingState.ACTIVE,
    model_ids=frozenset({"example-frontier-1"}),
    destinations=frozenset({"DE"}),
    end_uses=frozenset({"HEALTHCARE"}),
    not_before=NOON - timedelta(days=1),
    not_after=NOON + timedelta(days=1),
    lease_seconds=30,
    reason="",
    changed_at=None,
)


def modules() -> int:
    """Imports every module of the package; returns their number."""
    found = list(pkgutil.walk_packages(safeconduct.__path__, "safeconduct."))
    for module in found:
        if module.name != "safeconduct.cli.__main__":
            importlib.import_module(module.name)
    return len(found)


def verdicts() -> list[str]:
    """The rule of the gate for some standings and accesses, as text."""
    cases = [
        (None, ACCESS, 0.0),
        (GRANTED, ACCESS, 0.0),
        (GRANTED, ACCESS, 31.0),
        (GRANTED, replace(ACCESS, destination="FR"), 0.0),
        (replace(GRANTED, state=StandingState.REVOKED), ACCESS, 31.0),
    ]
    return [f"{judge(standing, access, NOON, age).reason}" for standing, access, age in cases]


async def gate() -> list[str]:
    """Follows the standing of one license over mutual TLS until it is revoked."""
    async with Gate.from_env() as found:
        await found.ready()
        seen = []
        async for standing in found.changes():
            seen.append(f"{found.check(*(getattr(ACCESS, n) for n in ACCESS.__slots__)).reason}")
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
            "verdicts": verdicts(),
            "gate": asyncio.run(gate()),
            "application": asyncio.run(client()),
            "signature": conduct.verify(b"a text", signature, conduct.public_bytes(key)),
            "isText": AccessVerdict.ALLOWED == "ALLOWED"
            and str(AccessVerdict.ALLOWED) == "ALLOWED",
        }
    )
)
