"""Applies a service's SQL migrations as the owner role of its database.

Alembic records which migrations were applied; the migrations themselves are plain SQL. Only the
command `migrate` calls this, never a running service. Two runners at once are harmless: the second
waits for an advisory lock. It tries the lock in a loop, because a session that waits inside
PostgreSQL would deadlock with CREATE INDEX CONCURRENTLY.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import Connection, make_url

from chassis.transport.renewed_tls import TlsFiles

_SQL = Path(__file__).parent / "sql"
_ENVIRONMENT = Path(__file__).parent / "alembic"
_LOCK = 7_000_001


def journal_sql(step: Literal["create", "rename", "releases"]) -> str:
    """Returns the SQL of one step of the journal's tables. Services run all, in this order."""
    return (_SQL / f"journal_{step}.sql").read_text()


def apply(sql: str) -> None:
    """Runs SQL statements in the migration's transaction. `{app}` in them is the service's role."""
    configured = op.get_context().config
    assert configured is not None
    role = configured.attributes["app_role"]
    connection = op.get_bind()
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    # Without parameters the driver sends the text unchanged: one string may hold many statements.
    connection.execution_options(no_parameters=True).exec_driver_sql(sql.replace("{app}", quoted))


def add_columns(table: str, columns: Mapping[str, str]) -> None:
    """Adds columns of these SQL types, nullable and empty. Those that exist already stay."""
    for name, kind in columns.items():
        op.execute(f"alter table {table} add column if not exists {name} {kind}")


def create_index(name: str, definition: str) -> None:
    """Builds an index while the table is written. `definition`: table, columns, condition.

    It commits what the migration has done so far. If it is interrupted, the index is invalid, and
    the next attempt builds it anew: a migration that calls this must bear to be run again.
    """
    with op.get_context().autocommit_block():
        op.execute(f"drop index concurrently if exists {name}")
        op.execute(f"create index concurrently {name} on {definition}")


def migrate(
    owner_dsn: str, app_role: str, versions: Path, tls: TlsFiles | None = None
) -> list[str]:
    """Applies the migrations in `versions` that are missing; returns their ids, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    engine = create_engine(
        make_url(owner_dsn).set(drivername="postgresql+psycopg"),
        poolclass=pool.NullPool,
        connect_args=_tls_arguments(tls) if tls else {},
    )
    with engine.connect() as connection:
        _lock(connection)
        config.attributes |= {"connection": connection, "app_role": app_role}
        before = MigrationContext.configure(connection).get_current_heads()
        # Alembic commits each migration itself, but only if no transaction is open around it.
        connection.commit()
        command.upgrade(config, "head")
        script = ScriptDirectory.from_config(config)
        new = [
            each.revision
            for each in script.walk_revisions()
            if each.revision not in _ancestors(script, before)
        ]
        return new[::-1]


def _tls_arguments(tls: TlsFiles) -> dict[str, str]:
    """Returns the arguments of libpq."""
    own = {"sslcert": str(tls.cert), "sslkey": str(tls.key)} if tls.cert and tls.key else {}
    return {"sslmode": "verify-full", "sslrootcert": str(tls.ca)} | own


def _lock(connection: Connection) -> None:
    while not connection.execute(
        text("select pg_try_advisory_lock(:lock)"), {"lock": _LOCK}
    ).scalar():
        time.sleep(0.2)
    # A migration that cannot lock a table fails after this time. Without the limit it would queue,
    # and every later query on the table would queue behind it.
    connection.execute(text("set lock_timeout = '5s'"))
    connection.commit()


def _ancestors(script: ScriptDirectory, heads: tuple[str, ...]) -> set[str]:
    return {each.revision for head in heads for each in script.iterate_revisions(head, "base")}
