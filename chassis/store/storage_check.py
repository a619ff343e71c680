"""Checks whether the database answers and has the migrations that this release needs.

Alembic writes the newest applied migration into table `alembic_version`. The migrations of the code
are read as text: a running service needs no Alembic.
"""

from __future__ import annotations

import ast
import asyncio
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chassis.store.storage_faults import is_storage_fault


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


class StorageCheck:
    """Checks all the time whether the database answers and is migrated."""

    def __init__(self, pool: asyncpg.Pool, revisions: Revisions) -> None:
        self._pool, self._revisions = pool, revisions
        self.fault: str | None = "the database has not answered yet"
        self.usable = asyncio.Event()
        """Set by the first success, and never cleared."""

    async def run(self) -> None:
        """Checks twice a second while there is a fault, and every two seconds otherwise."""
        while True:
            try:
                self.fault = await self._find_fault()
                if self.fault is None:
                    self.usable.set()
            except Exception as error:
                if not is_storage_fault(error):
                    raise
                self.fault = "the database does not answer"
            await asyncio.sleep(0.5 if self.fault else 2.0)

    async def _find_fault(self) -> str | None:
        fault = await find_migration_fault(self._pool, self._revisions)
        if fault is None:
            # Raises if the service's role may not read its tables: waiting would not help.
            await self._pool.fetchrow(
                "select (select 1 from stream limit 1), (select 1 from idempotency limit 1)"
            )
        return fault
