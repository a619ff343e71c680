"""Creates a service's database and its three roles on a PostgreSQL server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

APP_ROLE_SETTINGS: Final[Mapping[str, str]] = {
    "transaction_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}

Dsn = Callable[[str, str, str | None], str]
"""Returns a DSN for a database, a role and its password; None means the superuser's password."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database with the DSNs of its owner, of its service, and of operators, who only read."""

    name: str
    owner_dsn: str
    app_dsn: str
    app_role: str
    operator_dsn: str


async def create(dsn: Dsn, superuser: str, database: str, owner: str, app: str) -> Database:
    """Creates the database and its roles; existing ones keep their data and get new passwords.

    Only three roles may connect. `owner` owns and migrates the database. `app` uses it; its
    transactions are limited to five seconds. `<database>_operator` reads what the owner creates.
    """
    operator = f"{database}_operator"
    passwords = {role: secrets.token_urlsafe(24) for role in (owner, app, operator)}
    await _create_roles_and_database(
        dsn(superuser, superuser, None), database, owner, app, passwords
    )
    await _grant_reading(dsn(database, superuser, None), database, owner, operator)
    return Database(
        name=database,
        owner_dsn=dsn(database, owner, passwords[owner]),
        app_dsn=dsn(database, app, passwords[app]),
        app_role=app,
        operator_dsn=dsn(database, operator, passwords[operator]),
    )


async def _create_roles_and_database(
    dsn: str, database: str, owner: str, app: str, passwords: Mapping[str, str]
) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for role, password in passwords.items():
            query = "select true from pg_roles where rolname = $1"
            if not await connection.fetchval(query, role):
                await connection.execute(f"create role {_quoted(role)} login")
            # A URL-safe password contains no quote.
            await connection.execute(f"alter role {_quoted(role)} password '{password}'")
        query = "select true from pg_database where datname = $1"
        if not await connection.fetchval(query, database):
            await connection.execute(f"create database {_quoted(database)} owner {_quoted(owner)}")
        await connection.execute(
            f"revoke connect, temporary on database {_quoted(database)} from public"
        )
        await connection.execute(f"grant connect on database {_quoted(database)} to {_quoted(app)}")
        for setting, value in APP_ROLE_SETTINGS.items():
            await connection.execute(
                f"alter role {_quoted(app)} in database {_quoted(database)}"
                f" set {setting} = '{value}'"
            )
    finally:
        await connection.close()


async def _grant_reading(dsn: str, database: str, owner: str, operator: str) -> None:
    """Lets the operator's role read every table that exists and that the owner will create."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            f"grant connect on database {_quoted(database)} to {_quoted(operator)}"
        )
        await connection.execute(
            f"grant select on all tables in schema public to {_quoted(operator)}"
        )
        await connection.execute(
            f"alter default privileges for role {_quoted(owner)} in schema public"
            f" grant select on tables to {_quoted(operator)}"
        )
        await connection.execute(
            f"alter role {_quoted(operator)} in database {_quoted(database)}"
            " set default_transaction_read_only = on"
        )
    finally:
        await connection.close()


def _quoted(identifier: str) -> str:
    """Returns an SQL identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'
