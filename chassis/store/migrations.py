"""Applies a service's SQL migrations as the owner role; never at import, never by a service.

Alembic keeps the ledger; the migrations are plain SQL. Two runners at once are harmless: they queue on an advisory
lock that is tried in a loop, since waiting inside PostgreSQL would deadlock with CREATE INDEX CONCURRENTLY.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import Connection, make_url

_SQL = Path(__file__).parent / "sql"
_ENVIRONMENT = Path(__file__).parent / "alembic"
_LOCK = 7_000_001


def journal_sql(step: Literal["create", "rename"]) -> str:
    """Returns the SQL of one step of the journal's tables. Each service runs both, in this order."""
    return (_SQL / f"journal_{step}.sql").read_text()


def apply(sql: str) -> None:
    """Runs statements in the migration's transaction, `{app}` standing for the service's role."""
    configured = op.get_context().config
    assert configured is not None
    role = configured.attributes["app_role"]
    connection = op.get_bind()
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    # Without parameters the driver sends the text as it is, so that one string may hold many statements.
    connection.execution_options(no_parameters=True).exec_driver_sql(sql.replace("{app}", quoted))


def migrate(owner_dsn: str, app_role: str, versions: Path) -> list[str]:
    """Brings the database to the newest of the migrations in `versions`; gives those applied, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    engine = create_engine(
        make_url(owner_dsn).set(drivername="postgresql+psycopg"), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        _lock(connection)
        config.attributes |= {"connection": connection, "app_role": app_role}
        before = MigrationContext.configure(connection).get_current_heads()
        # Alembic commits each migration itself, provided that no transaction of ours is open around it.
        connection.commit()
        command.upgrade(config, "head")
        script = ScriptDirectory.from_config(config)
        new = [
            each.revision
            for each in script.walk_revisions()
            if each.revision not in _ancestors(script, before)
        ]
        return new[::-1]


def _lock(connection: Connection) -> None:
    while not connection.execute(
        text("select pg_try_advisory_lock(:lock)"), {"lock": _LOCK}
    ).scalar():
        time.sleep(0.2)
    connection.execute(text("set lock_timeout = '5s'"))
    connection.commit()


def _ancestors(script: ScriptDirectory, heads: tuple[str, ...]) -> set[str]:
    return {each.revision for head in heads for each in script.iterate_revisions(head, "base")}
