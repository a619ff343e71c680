"""Runs the demo of the release before the first that can be rolled, and writes what it stored.

This file runs with the code and the interpreter of that release, not with this tree's.
Usage: python scenario.py ROOT REPORT
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
from infra.local.demo import tell_all
from rich.console import Console
from safeconduct.enforcement.v1 import events_pb2, model_pb2

from infra.local.stack import Stack


async def stored(dsn: str) -> list[tuple[str, int, str, str, bytes]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "select stream_id, version, name, hash, payload from event order by stream_id, version"
        )
    finally:
        await connection.close()
    return [(str(row[0]), row[1], row[2], row[3].hex(), row[4]) for row in rows]


def main(root: Path, report: Path) -> None:
    found: dict[str, object] = {}
    with Stack(root) as stack:
        outcome = asyncio.run(tell_all(stack, Console(stderr=True), 0.0))
        standings: dict[str, object] = {}
        for service in ("applications", "screening", "enforcement"):
            rows = asyncio.run(stored(stack.database(service).operator_dsn))
            found[service] = [row[:4] for row in rows]
            for stream_id, _, name, _, payload in rows:
                if name == "StandingChanged":
                    standing = events_pb2.StandingChanged.FromString(payload).standing
                    standings[stream_id] = {
                        "state": model_pb2.StandingState.Name(standing.state),
                        "model": standing.model_ids[0],
                        "destination": standing.destinations[0],
                        "end_use": standing.end_uses[0],
                        "partner": standing.partner_id,
                    }
    report.write_text(json.dumps({"ok": outcome["ok"], "events": found, "standings": standings}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
