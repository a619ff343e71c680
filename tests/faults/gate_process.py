"""A gate in a process of its own, so that a fault run can stop and continue it.

It polls every license that it knows, and on SIGTERM writes the last times at which it allowed each.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from safeconduct.gate import Gate, boottime
from safeconduct.standing import Standing

from tests.faults.gates import EVERY_S


class _Polling:
    """Polls one gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._last: dict[str, int] = {}
        self._revoked: set[str] = set()
        self._broken: set[str] = set()

    def poll(self) -> None:
        """Checks every known license once."""
        for standing in self._gate.standings.values():
            self._check(standing)

    def _check(self, standing: Standing) -> None:
        if not (standing.grants and standing.destinations and standing.end_uses):
            return
        grant = min(standing.grants, key=lambda each: (each.model_id, each.access_mode))
        access = grant.model_id, grant.access_mode, min(standing.destinations)
        now = boottime()
        verdict = self._gate.check(standing.license_id, *access, min(standing.end_uses))
        if verdict.allowed:
            self._last[standing.license_id] = now
            if standing.license_id in self._revoked:
                self._broken.add(standing.license_id)
        elif verdict.reason == "REVOKED":
            self._revoked.add(standing.license_id)

    def as_json(self) -> str:
        """Returns for each license the last time it was allowed, and whether after REVOKED."""
        return json.dumps({each: [at, each in self._broken] for each, at in self._last.items()})


async def main(file: Path) -> None:
    """Polls until SIGTERM; then writes the file."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with Gate.from_env() as gate:
        polling = _Polling(gate)
        while not stopped.is_set():
            polling.poll()
            await asyncio.sleep(EVERY_S)
        file.write_text(polling.as_json(), encoding="ascii")  # noqa: ASYNC240 - the process ends


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
