"""All of Safeconduct on one machine: brings the real parts up in order, says where they are, takes them down again."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from infra.cache import CHECKOUT
from infra.local import certificate_authority as ca
from infra.local.kafka import Kafka, Ports
from infra.local.ports import PortRegistry
from infra.local.postgres import Database, Postgres
from infra.local.processes import ProcessError, log_tail
from infra.local.service import Listens, Service, module
from infra.local.span_receiver import SpanReceiver
from infra.local.trace_viewer import Viewer

SERVICES: Final = ("applications", "screening", "enforcement")
TRUST_DOMAIN: Final = "safeconduct.example"
TOPICS: Final = CHECKOUT / "infra" / "topics.yaml"
CODES: Final = CHECKOUT / "services" / "applications" / "policy"
"""Holds the texts of the code of conduct."""
OFFICERS: Final = Path(__file__).with_name("officers.yaml")
_PREFIX: Final = "SAFECONDUCT_"
_PRINCIPAL: Final = re.compile(r"(partner|officer|service)/[a-z0-9-]+|gate/[a-z0-9-]+/[a-z0-9-]+")

Progress = Callable[[str, float | None], None]
"""Told of every step: its name and None when it begins, its name and the seconds it took when it is done."""


class AlreadyRunningError(RuntimeError):
    """Another stack holds this root folder; the message names its pid."""


def spiffe_uri(principal: str) -> str:
    """The SPIFFE URI of a principal such as `partner/example-1`, `gate/example-1/gate-1`, `officer/licensing-1`."""
    if not _PRINCIPAL.fullmatch(principal):
        msg = f"{principal!r} is not partner/<id>, gate/<partner>/<id>, officer/<id> or service/<name>"
        raise ValueError(msg)
    return f"spiffe://{TRUST_DOMAIN}/{principal}"


class Stack:
    """A context manager; everything it makes lives below `root`, and what is there from before is used again.

    `replicas` processes of each service, `nodes` Kafka nodes (1 or 3). `services` may name fewer than all, or none;
    without `autostart` they get their databases and settings, and are started by hand.
    With `keep_alive` PostgreSQL and Kafka are restarted too when they end unasked; the services always are.
    """

    def __init__(
        self,
        root: Path,
        *,
        replicas: int = 1,
        nodes: int = 1,
        viewer: bool = False,
        services: Sequence[str] = SERVICES,
        autostart: bool = True,
        keep_alive: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.service_names = tuple(services)
        self._certificates = self.root / "certificates"
        self._progress = progress or (lambda _name, _seconds: None)
        self._replicas = replicas
        self._wants_viewer = viewer
        self._undo = ExitStack()
        self._databases: dict[str, Database] = {}
        self._services: dict[tuple[str, int], Service] = {}
        self._autostart = autostart
        self._keep_alive = keep_alive
        self._nodes = nodes
        self.viewer: Viewer | None = None
        """The trace viewer, if one was wanted and runs."""

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(_alone(self.root))
            self._bring_up(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    @cached_property
    def postgres(self) -> Postgres:
        """The server that holds every service's database."""
        return Postgres(
            self.root / "postgres", port=self._ports.port("postgres"), keep_alive=self._keep_alive
        )

    @cached_property
    def kafka(self) -> Kafka:
        """The cluster."""
        ports = [
            Ports(
                self._ports.port(f"kafka-{node}.broker"),
                self._ports.port(f"kafka-{node}.controller"),
            )
            for node in range(1, self._nodes + 1)
        ]
        return Kafka(
            self.root / "kafka", nodes=self._nodes, ports=ports, keep_alive=self._keep_alive
        )

    @cached_property
    def spans(self) -> SpanReceiver:
        """Where every span goes, and from where it goes on to the viewer."""
        return SpanReceiver(
            otlp_port=self._ports.port("spans.otlp"),
            http_port=self._ports.port("spans.http"),
            forward_to=self.viewer.otlp_address if self.viewer else None,
        )

    @cached_property
    def _ports(self) -> PortRegistry:
        # Read when the root is held, not before: a second stack must not move the first one's ports.
        return PortRegistry(self.root / "ports.json")

    @property
    def services(self) -> tuple[Service, ...]:
        """Every replica of every service."""
        return tuple(self._services.values())

    def service(self, name: str, replica: int = 1) -> Service:
        """One replica of a service, counted from 1."""
        return self._services[name, replica]

    def database(self, name: str) -> Database:
        """The database of a service."""
        return self._databases[name]

    def addresses(self, name: str) -> tuple[str, ...]:
        """`host:port` of every replica of a service, where mTLS is spoken."""
        return tuple(self._listens(name, replica).grpc for replica in self._numbers())

    def identity(self, principal: str) -> ca.Identity:
        """Certificate files of a principal such as `partner/example-1`, issued at first use."""
        return ca.issue(self._certificates, principal.replace("/", "-"), spiffe_uri(principal))

    @property
    def certificates(self) -> Path:
        """The folder of the development CA and of everything it issued."""
        return self._certificates

    @property
    def trace_url_template(self) -> str:
        """A page that shows the trace `{trace_id}`, for people if a viewer runs, else for programs."""
        return (
            self.viewer.trace_url_template
            if self.viewer
            else self.spans.http_address + "/traces/{trace_id}"
        )

    def client_env(self, principal: str) -> dict[str, str]:
        """The environment in which the `safeconduct` command acts as this principal, against the first replicas."""
        identity = self.identity(principal)
        return {
            **{_PREFIX + name.upper(): self.addresses(name)[0] for name in self.service_names},
            _PREFIX + "CA": str(identity.ca),
            _PREFIX + "CERT": str(identity.cert),
            _PREFIX + "KEY": str(identity.key),
            _PREFIX + "TRACES": self.spans.http_address,
        }

    def operator_env(self, principal: str) -> dict[str, str]:
        """The environment of `safeconduct audit` and `safeconduct dlq`; services are asked as this principal."""
        return {
            **self.client_env(principal),
            **{
                f"{_PREFIX}AUDIT_{name.upper()}_URL": self._databases[name].operator_dsn
                for name in self.service_names
            },
            _PREFIX + "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            _PREFIX + "CONDUCT_CODES": str(CODES),
        }

    def service_env(self, name: str, replica: int = 1) -> dict[str, str]:
        """The settings of one replica, and nothing besides: what `python -m services.<name> serve` reads."""
        identity = self.identity(f"service/{name}")
        where = self._listens(name, replica)
        settings = {
            "DATABASE_URL": self._databases[name].app_dsn,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "GRPC_LISTEN_ADDRESS": where.grpc,
            "HEALTH_LISTEN_ADDRESS": where.ops,
            "METRICS_LISTEN_ADDRESS": where.metrics,
            "TLS_CERTIFICATE_FILE": str(identity.cert),
            "TLS_PRIVATE_KEY_FILE": str(identity.key),
            "TLS_CLIENT_CA_FILE": str(identity.ca),
            "SPIFFE_TRUST_DOMAIN": TRUST_DOMAIN,
            "OFFICERS_FILE": str(OFFICERS),
            "PAGE_TOKEN_KEYS_FILE": str(ca.page_token_key(self._certificates, name)),
            "OTLP_ENDPOINT": self.spans.otlp_endpoint,
            "TRACE_URL_TEMPLATE": self.trace_url_template,
            "LOG_LEVEL": "INFO",
        }
        if name == "applications":
            settings["LICENSE_SIGNING_KEY_FILE"] = str(ca.license_key(self._certificates))
        # On a person's own machine a span should be seen at once; the exporter's default is five seconds.
        return {
            **{_PREFIX + key: value for key, value in settings.items()},
            "OTEL_BSP_SCHEDULE_DELAY": "500",
        }

    def migrate(self, name: str) -> None:
        """Apply a service's migrations as the owner of its database."""
        database = self._databases[name]
        owner = {
            _PREFIX + "DATABASE_OWNER_URL": database.owner_dsn,
            _PREFIX + "DATABASE_APP_ROLE": database.app_role,
        }
        self._run(
            f"{name}-migrate",
            module(f"services.{name}", "migrate"),
            {**self.service_env(name), **owner},
        )

    def create_topics(self) -> None:
        """Create the topics of `infra/topics.yaml` that are not there."""
        replication = str(self.kafka.replication)
        arguments = (
            "--bootstrap",
            self.kafka.bootstrap,
            "--file",
            str(TOPICS),
            "--replication",
            replication,
        )
        self._run("topics", module("chassis.streams.topics", *arguments), {})

    def _bring_up(self, undo: ExitStack) -> None:
        with self._step("certificates"):
            ca.authority(self._certificates)
        # Each stop is registered before its start: what is interrupted half-way up is taken down as well.
        undo.callback(self._down, "postgres stopped", self.postgres.stop)
        with self._step("postgres"):
            self.postgres.start()
        undo.callback(self._down, "kafka stopped", self.kafka.stop)
        with self._step("kafka"):
            self.kafka.start()
        with self._step("topics"):
            self.create_topics()
        if self._wants_viewer:
            self._bring_up_viewer(undo)
        undo.callback(self.spans.stop)
        with self._step("spans"):
            self.spans.start()
        for name in self.service_names:
            self._databases[name] = self.postgres.provision(name, f"{name}_owner", f"{name}_app")
            with self._step(f"{name} migrated"):
                self.migrate(name)
        if self.service_names:
            self._bring_up_services(undo)

    def _bring_up_viewer(self, undo: ExitStack) -> None:
        viewer = Viewer(
            self._log("viewer"),
            http_port=self._ports.port("viewer.http"),
            otlp_port=self._ports.port("viewer.otlp"),
        )
        undo.callback(viewer.stop)
        with self._step("trace viewer"):
            self.viewer = viewer if viewer.start() else None

    def _bring_up_services(self, undo: ExitStack) -> None:
        for name in self.service_names:
            for replica in self._numbers():
                env = {**_foreign_env(), **self.service_env(name, replica)}
                log = self._log(f"{name}-{replica}")
                self._services[name, replica] = Service(
                    name, replica, self._listens(name, replica), env, log
                )
        undo.callback(self._down, "services stopped", self._stop_services)
        if not self._autostart:
            return
        for service in self.services:
            service.start()
        for service in self.services:
            with self._step(
                f"{service.name}-{service.replica} ready"
                if self._replicas > 1
                else f"{service.name} ready"
            ):
                service.wait_ready()

    def _stop_services(self) -> None:
        for service in self.services:
            service.ask_to_stop()
        for service in self.services:
            service.stop()

    def _run(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        log = self._log(name)
        with log.open("ab") as out:
            result = subprocess.run(
                argv,
                env={**_foreign_env(), **env},
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if result.returncode:
            msg = f"{' '.join(argv[1:4])} ended with {result.returncode}; its log {log} ends:\n{log_tail(log)}"
            raise ProcessError(msg)

    def _log(self, name: str) -> Path:
        """A new log of this name; the one of the run before is kept beside it."""
        log = self.root / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".log.before"))
        return log

    def _listens(self, name: str, replica: int) -> Listens:
        def address(what: str) -> str:
            return self._ports.address(f"{name}-{replica}.{what}")

        return Listens(grpc=address("grpc"), ops=address("ops"), metrics=address("metrics"))

    def _numbers(self) -> range:
        return range(1, self._replicas + 1)

    def _down(self, name: str, stop: Callable[[], object]) -> None:
        with self._step(name):
            stop()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._progress(name, None)
        began = time.monotonic()
        yield
        self._progress(name, time.monotonic() - began)


def _foreign_env() -> dict[str, str]:
    """Our environment without settings of ours: a stack is configured by itself alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the root folder; the kernel lets it go when this process ends, however it ends."""
    with (root / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            msg = f"a stack is already up in {root} (pid {holder}); stop it, or use another root"
            raise AlreadyRunningError(msg) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
