"""Checks whether the database answers and has the migrations that this release needs.

Alembic writes the newest applied migration into table `alembic_version`. The migrations of the code
are read as text: a running service needs no Alembic.
"""

from __future__ import annotations

import ast
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from chassis.start_fault import ExitCode, StartFault
from chassis.store.session_check import SHARED_SESSIONS, Connect, are_sessions_shared
from chassis.store.storage_faults import is_storage_fault, refusal_of

SETTING: Final = "SAFECONDUCT_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Revisions:
    """The migrations of the code by their ids, and the newest of them."""

    known: frozenset[str]
    newest: str

    @classmethod
    def read(cls, folder: Path) -> Revisions:
        """Returns the migrations in the folder. Raises ValueError if not exactly one is newest."""
        before: dict[str, object] = {}
        for file in sorted(folder.glob("*.py")):
            values = _constants(file.read_text(encoding="utf-8"))
            if isinstance(revision := values.get("revision"), str):
                before[revision] = values.get("down_revision")
        newest = before.keys() - set(before.values())
        if len(newest) != 1:
            raise ValueError(f"{folder}: the newest migrations are {sorted(newest)}, not one")
        return cls(frozenset(before), newest.pop())

    def fault(self, applied: list[str]) -> str | None:
        """Returns None if the migrations that were applied last are enough, else the reason.

        A migration that the code does not know is of a later release. Later releases first add to
        the database what they need, and keep what this release needs (docs/upgrading.md).
        """
        if self.newest in applied or not self.known.issuperset(applied):
            return None
        at = ", ".join(sorted(applied)) or "no migration"
        return f"the database is not migrated: it has {at}, this release needs {self.newest}"


def _constants(source: str) -> dict[str, object]:
    return {
        target.id: node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


async def find_migration_fault(
    database: asyncpg.Pool | asyncpg.Connection, revisions: Revisions
) -> str | None:
    """Returns why the database lacks migrations of the code, or None."""
    try:
        rows = await database.fetch("select version_num from alembic_version")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        # Migrations before `Stream.schema` existed did not allow the service to read the table.
        return revisions.fault([])
    return revisions.fault([row["version_num"] for row in rows])


async def require_database(connect: Connect, setting: str) -> None:
    """Raises StartFault if the database refuses us or does not answer: a command does not wait."""
    try:
        connection = await connect()
    except Exception as error:
        if not is_storage_fault(error):
            raise
        cause = refusal_of(error) or "the database does not answer"
        raise StartFault(setting, cause, ExitCode.DATABASE_REFUSES) from None
    await connection.close()


class StorageCheck:
    """Checks all the time whether the database answers and is migrated.

    `connect` opens a connection beside the pool. With it the first success also proves that a
    connection keeps its session.
    """

    def __init__(
        self, pool: asyncpg.Pool, revisions: Revisions, connect: Connect | None = None
    ) -> None:
        self._pool, self._revisions, self._connect = pool, revisions, connect
        self.fault: str | None = "the database has not answered yet"
        self.usable = asyncio.Event()
        """Set by the first success, and never cleared."""

    async def run(self) -> None:
        """Checks twice a second while there is a fault, and every two seconds otherwise.

        Raises StartFault if the database answers before the first success and refuses us.
        """
        while True:
            try:
                fault = await self._find_fault()
                if fault is None and not self.usable.is_set():
                    await self._require_own_sessions()
                    self.usable.set()
                self.fault = fault
            except Exception as error:
                refusal = refusal_of(error)
                if refusal is not None and not self.usable.is_set():
                    raise StartFault(SETTING, refusal, ExitCode.DATABASE_REFUSES) from None
                if not is_storage_fault(error):
                    raise
                self.fault = refusal or "the database does not answer"
            await asyncio.sleep(0.5 if self.fault else 2.0)

    async def _require_own_sessions(self) -> None:
        if self._connect is not None and await are_sessions_shared(self._connect):
            raise StartFault(SETTING, SHARED_SESSIONS, ExitCode.DATABASE_REFUSES)

    async def _find_fault(self) -> str | None:
        fault = await find_migration_fault(self._pool, self._revisions)
        if fault is None:
            # Raises if the service's role may not read its tables: waiting would not help.
            await self._pool.fetchrow(
                "select (select 1 from stream limit 1), (select 1 from idempotency limit 1)"
            )
        return fault
