"""One run over two releases: load, faults and a roll in both directions, then the invariants."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import typer
from rich.console import Console

from infra.cache import CHECKOUT
from infra.local.processes import ProcessError
from infra.local.service import THIS_RELEASE, Release
from infra.local.stack import SERVICES
from tests.faults.fault_stack import FaultStack
from tests.faults.run import RunOptions, run, show, write
from tests.faults.schedule import REPLICAS, Fault
from tests.upgrade.next_release import PATCHES

FAULTS: Final = frozenset(
    {
        Fault.SERVICE_SIGKILL,
        Fault.SERVICE_SIGSTOP,
        Fault.RELAY_CUT,
        Fault.BROKER_SIGKILL,
        Fault.POSTGRES_SIGKILL,
        Fault.DUPLICATED,
        Fault.REORDERED,
        Fault.UNDECODABLE,
        Fault.FAILING,
    }
)
"""The faults beside the roll. The others are the subject of `make test-faults`."""
EVENTS_A_PHASE: Final = 150
"""Number of events that the services store before the next replicas are replaced."""
READY_S: Final = 180.0
"""Time limit for a replica to become ready among the faults."""


class _UpgradeStack(FaultStack):
    """A stack that begins with the previous release, its databases included."""

    previous: Release = THIS_RELEASE

    def __init__(self, root: Path, **options: Any) -> None:
        super().__init__(root, **options)
        self._release = self.previous

    def migrate(self, name: str) -> None:
        """Applies the migrations of the previous release."""
        self.migrate_with(self.previous, name)

    def migrate_with(self, release: Release, name: str) -> None:
        """Applies a release's migrations with its own command, as the owner of the database."""
        database = self._databases[name]
        subprocess.run(
            [str(release.python), "-m", f"services.{name}", "migrate"],
            cwd=release.folder,
            env={
                "SAFECONDUCT_DATABASE_OWNER_URL": database.owner_dsn,
                "SAFECONDUCT_DATABASE_APP_ROLE": database.app_role,
            },
            check=True,
            capture_output=True,
        )


class _Roll:
    """Replaces replicas one by one, while load and faults go on."""

    def __init__(self, previous: Release) -> None:
        self._previous, self._following = previous, THIS_RELEASE
        self.stored: dict[str, int] = {}
        """Stored events by phase."""

    async def roll(self, stack: FaultStack, report: Callable[[str], None]) -> None:
        """Rolls to the next release, back to the previous one, and to the next one again."""
        assert isinstance(stack, _UpgradeStack)
        await self._hold(stack, "previous release")
        report("expand: the migrations of the next release, beside the previous one")
        for name in SERVICES:
            await _until_it_works(lambda name=name: stack.migrate_with(self._following, name))
        for phase, release, replicas in (
            ("mixed, forward", self._following, (REPLICAS,)),
            ("next only", self._following, range(1, REPLICAS)),
            ("mixed, backward", self._previous, (REPLICAS,)),
            ("previous only", self._previous, range(1, REPLICAS)),
            ("next again", self._following, range(1, REPLICAS + 1)),
        ):
            report(f"{phase}: replicas {', '.join(map(str, replicas))}")
            for replica in replicas:
                await asyncio.gather(
                    *(self._replace(stack, name, replica, release) for name in SERVICES)
                )
            await self._hold(stack, phase)
        report("contract: the old column goes")
        await _until_it_works(lambda: _contract(stack))

    async def _hold(self, stack: FaultStack, phase: str) -> None:
        """Returns when the services have stored enough events in this phase."""
        before = last = await _events(stack)
        while last - before < EVENTS_A_PHASE:
            await asyncio.sleep(0.5)
            with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
                last = await _events(stack)
        self.stored[phase] = last - before

    async def _replace(self, stack: FaultStack, name: str, replica: int, release: Release) -> None:
        service = stack.service(name, replica)
        try:
            await asyncio.to_thread(service.restart, release)
        except ProcessError:
            await asyncio.to_thread(service.wait_ready, READY_S)


async def _until_it_works(work: Callable[[], object]) -> None:
    """Repeats `work` for a minute: a fault may have taken the database away."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await asyncio.to_thread(work)
        except (subprocess.CalledProcessError, OSError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)
        else:
            return


def _contract(stack: _UpgradeStack) -> None:
    """Runs the contract step, as the owner. It stands for the migration of the release after."""

    async def execute() -> None:
        connection = await asyncpg.connect(stack.database("enforcement").owner_dsn, timeout=5)
        try:
            await connection.execute((PATCHES.parent / "contract.sql").read_text())
        finally:
            await connection.close()

    asyncio.run(execute())


async def _events(stack: FaultStack) -> int:
    """Returns the number of stored events of all services."""
    total = 0
    for name in SERVICES:
        connection = await asyncpg.connect(stack.database(name).owner_dsn, timeout=5)
        try:
            total += await connection.fetchval("select count(*) from event")
        finally:
            connection.terminate()
    return total


def main(
    previous: Annotated[Path, typer.Option(help="Checkout of the previous release.")],
    previous_python: Annotated[Path, typer.Option(help="Its interpreter.")],
    report: Annotated[Path, typer.Option(help="The file of the report.")],
    seed: int = 1,
    applications: int = 600,
    nodes: int = 1,
) -> None:
    """Runs load, faults and the roll, then checks the invariants."""
    console = Console()
    options = RunOptions(seed, applications, nodes, rate=5.0, only=FAULTS, is_open_ended=True)
    _UpgradeStack.previous = Release(previous, previous_python)
    roll = _Roll(_UpgradeStack.previous)
    found = run(
        options, CHECKOUT / "build" / "stack", console, during=roll.roll, stack_type=_UpgradeStack
    )
    found.measured["stored_events_by_phase"] = roll.stored
    show(found, console)
    write(found, report)
    held = not found.violations
    console.print(f"{'every' if held else 'not every'} invariant held: {report.name}")
    raise typer.Exit(0 if held else 1)


if __name__ == "__main__":
    typer.run(main)
