"""Tests the step from the release that cannot be rolled: stop, migrate, start, rebuild.

Runs the demo with that release from git history, in an environment of its own under `build/`, stops
all of it, starts this release on the same database and topics, and checks that nothing is lost.
`docs/upgrading.md` describes the step.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import typer
from rich.console import Console
from safeconduct.channel import Credentials
from safeconduct.gate import Gate

from infra.cache import CHECKOUT
from infra.local.stack import SERVICES, Stack
from infra.programs import required_program
from infra.progress import Progress
from tests.upgrade.next_release import make_environment, run

REVISION: Final = "5c38aab"
FOLDER: Final = CHECKOUT / "build" / "upgrade" / "first"
ROOT: Final = CHECKOUT / "build" / "upgrade" / "first-data"
PATIENCE_S: Final = 60.0
_SCENARIO: Final = Path(__file__).with_name("first_release") / "scenario.py"
_MODES: Final = ("HOSTED_ACCESS", "WEIGHTS", "FINE_TUNING")
_VERDICTS: Final = {"ACTIVE": "ALLOWED", "SUSPENDED": "SUSPENDED", "REVOKED": "REVOKED"}


def make_release(revision: str, folder: Path = FOLDER) -> Path:
    """Makes `folder` the tree of a revision, with an environment; returns its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    git = required_program("git", "git")
    archive = subprocess.run(
        [git, "archive", revision], cwd=CHECKOUT, capture_output=True, check=False
    )
    if archive.returncode:
        raise typer.BadParameter(f"git history has no revision {revision}; fetch the whole history")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tree:
        tree.extractall(folder, filter="data")
    (folder / ".cache").symlink_to(CHECKOUT / ".cache")
    return make_environment(folder)


async def lost_events(stack: Stack, before: Mapping[str, list[list[Any]]]) -> list[str]:
    """Returns the events that the step has lost or changed."""
    faults = []
    for service in SERVICES:
        connection = await asyncpg.connect(stack.database(service).operator_dsn)
        try:
            rows = await connection.fetch("select stream_id, version, name, hash from event")
        finally:
            await connection.close()
        kept = {(str(row[0]), row[1], row[2], row[3].hex()) for row in rows}
        faults += [
            f"{service}: {event[2]}, version {event[1]} of {event[0]}, is lost"
            for event in before[service]
            if tuple(event) not in kept
        ]
    return faults


async def wrong_verdicts(stack: Stack, standings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Returns the licenses for which a gate of this release does not answer as before."""
    wrong: list[str] = []
    for partner in sorted({standing["partner"] for standing in standings.values()}):
        identity = stack.identity(f"gate/{partner}/gate-1")
        credentials = Credentials.from_files(identity.ca, identity.cert, identity.key)
        async with Gate(stack.addresses("enforcement"), credentials) as gate:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                wrong_here = [
                    f"{license_id} was {standing['state']}, the gate says {', '.join(found)}"
                    for license_id, standing in standings.items()
                    if standing["partner"] == partner
                    and _VERDICTS[standing["state"].removeprefix("STANDING_STATE_")]
                    not in (found := _verdicts(gate, license_id, standing))
                ]
                if not wrong_here or time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.5)
        wrong += wrong_here
    return wrong


def _verdicts(gate: Gate, license_id: str, standing: Mapping[str, str]) -> list[str]:
    # The first release had no form of access in a standing. Exactly one is granted.
    return sorted(
        {
            str(
                gate.check(
                    license_id,
                    standing["model"],
                    mode,
                    standing["destination"],
                    standing["end_use"],
                ).reason
            )
            for mode in _MODES
        }
    )


def rebuild_faults(stack: Stack) -> list[str]:
    """Runs `rebuild` of every service; returns the outputs of those that did not end with 0."""
    faults = []
    for service in SERVICES:
        database = stack.database(service)
        env = {
            **os.environ,
            **stack.service_env(service),
            "SAFECONDUCT_DATABASE_OWNER_URL": database.owner_dsn,
            "SAFECONDUCT_DATABASE_APP_ROLE": database.app_role,
        }
        argv = [sys.executable, "-m", f"services.{service}", "rebuild"]
        result = subprocess.run(
            argv, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
        )
        if result.returncode:
            faults.append(f"{service}: rebuild ended with {result.returncode}: {result.stdout}")
    return faults


def audit_faults(stack: Stack) -> list[str]:
    """Returns the output of `safeconduct audit verify` if it did not end with 0."""
    env = {**os.environ, **stack.operator_env("officer/licensing-1")}
    argv = [str(Path(sys.executable).with_name("safeconduct")), "audit", "verify"]
    result = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    return [result.stdout + result.stderr] if result.returncode else []


def main(
    revision: Annotated[str, typer.Option(help="The release before.")] = REVISION,
) -> None:
    """Upgrades a stack of the first release to this one, with a stop.

    Example: python -m tests.upgrade.first_step
    """
    console = Console(soft_wrap=True)
    console.print(f"making the release of {revision}")
    python = make_release(revision)
    shutil.rmtree(ROOT, ignore_errors=True)
    report = FOLDER / "stored.json"
    console.print("running its demo, and stopping it")
    # Its own modules must be found first, not those of this tree.
    run(
        [str(python), str(_SCENARIO), str(ROOT), str(report)],
        FOLDER,
        {**os.environ, "PYTHONPATH": str(FOLDER)},
    )
    before = json.loads(report.read_text())
    count = sum(len(events) for events in before["events"].values())
    console.print(f"{count} events and {len(before['standings'])} standings are stored")
    with Stack(ROOT, progress=Progress()) as stack:
        faults = asyncio.run(wrong_verdicts(stack, before["standings"]))
        faults += rebuild_faults(stack)
        faults += asyncio.run(lost_events(stack, before["events"]))
        faults += audit_faults(stack)
    for fault in faults:
        console.print(f"! {fault}", markup=False)
    console.print("nothing is lost" if not faults else f"{len(faults)} faults")
    raise typer.Exit(1 if faults else 0)


if __name__ == "__main__":
    typer.run(main)
