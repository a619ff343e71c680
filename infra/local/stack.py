"""All parts of Safeconduct on one machine: starts them, knows their addresses, stops them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from infra.cache import CHECKOUT
from infra.local import certificate_authority as ca
from infra.local.asyncio_thread import run_coroutine
from infra.local.kafka import Kafka, KafkaTls, Ports
from infra.local.partner_registry import add_partner
from infra.local.ports import PortRegistry
from infra.local.postgres import Database, Postgres
from infra.local.principals import TRUST_DOMAIN, spiffe_uri
from infra.local.root_lock import root_lock
from infra.local.service import THIS_RELEASE, Addresses, Release, Service
from infra.local.span_receiver import SpanReceiver
from infra.local.trace_viewer import TraceViewer
from infra.parallel import run_side_by_side
from infra.progress import SILENT, Reporter

SERVICES: Final = ("applications", "screening", "enforcement")
TOPICS: Final = CHECKOUT / "infra" / "topics.yaml"
CONDUCT_CODES: Final = CHECKOUT / "services" / "applications" / "policy"
"""The folder of the texts of the code of conduct."""
OFFICERS: Final = Path(__file__).with_name("officers.yaml")
PARTNERS: Final = Path(__file__).with_name("partners.yaml")
LIMITS: Final = Path(__file__).with_name("limits.yaml")
_PREFIX: Final = "SAFECONDUCT_"


class Stack:
    """A context manager that runs the stack. Its files are below `root`; existing data is used.

    `replicas` is the number of processes of each service, `nodes` that of Kafka nodes (1 or 3).
    `services` selects some services, or none. Without `autostart` they get databases and settings
    but are not started. With `keep_alive` PostgreSQL and Kafka are restarted when they exit; the
    services always are. The services are those of `release`.
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
        progress: Reporter = SILENT,
        release: Release = THIS_RELEASE,
    ) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.service_names = tuple(services)
        self.certificates = self.root / "certificates"
        """The folder of the development CA and of all certificates."""
        self.viewer: TraceViewer | None = None
        """The trace viewer, if it was requested and runs."""
        self._progress = progress
        self._replicas = replicas
        self._with_viewer = viewer
        self._exit_stack = ExitStack()
        self._databases: dict[str, Database] = {}
        self._services: dict[tuple[str, int], Service] = {}
        self._autostart = autostart
        self._keep_alive = keep_alive
        self._nodes = nodes
        self._release = release

    def __enter__(self) -> Self:
        with ExitStack() as exit_stack:
            exit_stack.enter_context(root_lock(self.root))
            self._start(exit_stack)
            self._exit_stack = exit_stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit_stack.close()

    @cached_property
    def postgres(self) -> Postgres:
        """The server of all databases."""
        return Postgres(
            self.root / "postgres",
            port=self._ports.port("postgres"),
            keep_alive=self._keep_alive,
            identity=self._identity("database", "database/postgres"),
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
            self.root / "kafka",
            nodes=self._nodes,
            ports=ports,
            keep_alive=self._keep_alive,
            tls=self.kafka_tls,
        )

    @cached_property
    def kafka_tls(self) -> KafkaTls:
        """The certificates of the cluster and of its administrator."""
        return KafkaTls(
            node=self._identity("kafka-node", "broker/kafka"),
            administrator=self._identity("kafka-administrator", "operator/kafka-administrator"),
        )

    @cached_property
    def spans(self) -> SpanReceiver:
        """The receiver of all spans. It forwards them to the viewer."""
        return SpanReceiver(
            otlp_port=self._ports.port("spans.otlp"),
            http_port=self._ports.port("spans.http"),
            forward_to=self.viewer.otlp_address if self.viewer else None,
        )

    @cached_property
    def _ports(self) -> PortRegistry:
        # Read under the root's lock: a second stack must not change the ports of the first one.
        return PortRegistry(self.root / "ports.json")

    @property
    def services(self) -> tuple[Service, ...]:
        """All replicas of all services."""
        return tuple(self._services.values())

    def service(self, name: str, replica: int = 1) -> Service:
        """Returns one replica of a service. Replicas are counted from 1."""
        return self._services[name, replica]

    def database(self, name: str) -> Database:
        """Returns the database of a service."""
        return self._databases[name]

    def addresses(self, name: str) -> tuple[str, ...]:
        """Returns the `host:port` of the gRPC port (mTLS) of each replica of a service."""
        return tuple(self._addresses(name, replica).grpc for replica in self._replica_numbers())

    def identity(self, principal: str) -> ca.Identity:
        """Returns the certificate of a principal such as `partner/example-1`, issued if missing.

        The partner of a partner or gate is entered in the stack's partner registry.
        """
        if (kind_and_id := principal.split("/"))[0] in {"partner", "gate"}:
            add_partner(self.partners_file, kind_and_id[1])
        return ca.issue(self.certificates, principal.replace("/", "-"), spiffe_uri(principal))

    @cached_property
    def partners_file(self) -> Path:
        """The partner registry of this stack. It begins with the partners of `partners.yaml`."""
        path = self.root / "partners.yaml"
        if not path.exists():
            path.write_text(PARTNERS.read_text())
        return path

    def _identity(self, name: str, path: str) -> ca.Identity:
        """Returns the certificate of a part that is no principal of the services."""
        return ca.issue(self.certificates, name, f"spiffe://{TRUST_DOMAIN}/{path}")

    @property
    def trace_url_template(self) -> str:
        """The address of the trace `{trace_id}`: the viewer's page, or JSON without a viewer."""
        if self.viewer is not None:
            return self.viewer.trace_url_template
        return self.spans.http_address + "/traces/{trace_id}"

    def client_env(self, principal: str) -> dict[str, str]:
        """Returns the variables with which `safeconduct` acts as this principal.

        The addresses are those of the first replicas.
        """
        identity = self.identity(principal)
        return {
            **{_PREFIX + name.upper(): self.addresses(name)[0] for name in self.service_names},
            _PREFIX + "CA": str(identity.ca),
            _PREFIX + "CERT": str(identity.cert),
            _PREFIX + "KEY": str(identity.key),
            _PREFIX + "TRACES": self.spans.http_address,
        }

    def operator_env(self, principal: str) -> dict[str, str]:
        """Returns the variables of the operators' commands; gRPC calls use the principal."""
        return {
            **self.client_env(principal),
            **{
                f"{_PREFIX}AUDIT_{name.upper()}_URL": self._databases[name].operator_dsn
                for name in self.service_names
            },
            # `outbox retry` changes rows, which the role of the audit may not.
            **{
                f"{_PREFIX}OPERATOR_{name.upper()}_URL": self._databases[name].app_dsn
                for name in self.service_names
            },
            _PREFIX + "KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses,
            **_kafka_env(self._identity("kafka-operator", "operator/kafka-operator")),
            _PREFIX + "CONDUCT_CODES": str(CONDUCT_CODES),
        }

    def service_env(self, name: str, replica: int = 1) -> dict[str, str]:
        """Returns the settings of one replica, which `python -m services.<name> serve` reads."""
        identity = self.identity(f"service/{name}")
        addresses = self._addresses(name, replica)
        settings = {
            "DATABASE_URL": self._databases[name].app_dsn,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses,
            "GRPC_LISTEN_ADDRESS": addresses.grpc,
            "HEALTH_LISTEN_ADDRESS": addresses.health,
            "METRICS_LISTEN_ADDRESS": addresses.metrics,
            "TLS_CERTIFICATE_FILE": str(identity.cert),
            "TLS_PRIVATE_KEY_FILE": str(identity.key),
            "TLS_CLIENT_CA_FILE": str(identity.ca),
            "SPIFFE_TRUST_DOMAIN": TRUST_DOMAIN,
            "OFFICERS_FILE": str(OFFICERS),
            "PARTNERS_FILE": str(self.partners_file),
            "LIMITS_FILE": str(LIMITS),
            "PAGE_TOKEN_KEYS_FILE": str(ca.page_token_key(self.certificates, name)),
            "OTLP_ENDPOINT": self.spans.otlp_endpoint,
            "TRACE_URL_TEMPLATE": self.trace_url_template,
            "LOG_LEVEL": "INFO",
            # No load balancer has to learn that a process stops, and people wait for the stop.
            "DRAIN_SECONDS": "1",
        }
        if name == "applications":
            settings["LICENSE_SIGNING_KEY_FILE"] = str(ca.license_key(self.certificates))
        return {
            **{_PREFIX + key: value for key, value in settings.items()},
            **_kafka_env(identity),
            # People want to see a span at once. The exporter's default is five seconds.
            "OTEL_BSP_SCHEDULE_DELAY": "500",
        }

    def migrate(self, name: str) -> None:
        """Applies a service's migrations as the owner of its database."""
        # `python -m services.<name> migrate` does the same, but imports the whole service first:
        # that took three quarters of the time until the databases were ready.
        from chassis.store.migrations import migrate

        database = self._databases[name]
        migrate(database.owner_dsn, database.app_role, CHECKOUT / "services" / name / "migrations")

    def create_topics(self) -> None:
        """Creates the topics of `infra/topics.yaml` that do not exist, and gives access to them."""
        from chassis.streams.topic_access import grant, operator_rules, service_rules
        from chassis.streams.topics import create, read_topics

        topics = read_topics(TOPICS)
        run_coroutine(create(self.kafka.bootstrap, topics, self.kafka.replication))
        rules = (*service_rules(topics), *operator_rules(topics))
        run_coroutine(grant(self.kafka.bootstrap, rules))

    def _start(self, exit_stack: ExitStack) -> None:
        ca.authority(self.certificates)
        # Each stop is registered before its start, so that an interrupted start is undone as well.
        exit_stack.callback(self._stop_part, "postgres", self.postgres.stop)
        exit_stack.callback(self._stop_part, "kafka", self.kafka.stop)
        parts = [self._start_databases, self._start_kafka]
        viewer = TraceViewer(
            self._log("viewer"),
            http_port=self._ports.port("viewer.http"),
            otlp_port=self._ports.port("viewer.otlp"),
        )
        if self._with_viewer:
            exit_stack.callback(viewer.stop)
            parts.append(partial(self._start_viewer, viewer))

        def abort() -> None:
            for stop in (viewer.stop, self.kafka.stop, self.postgres.stop):
                stop()

        run_side_by_side(*parts, abort=abort)
        exit_stack.callback(self.spans.stop)
        self.spans.start()
        if self.service_names:
            self._start_services(exit_stack)

    def _start_databases(self) -> None:
        with self._progress.step("postgres"):
            self.postgres.start()
        for name in self.service_names:
            with self._progress.step(f"database of {name}"):
                self._databases[name] = self.postgres.provision(
                    name, f"{name}_owner", f"{name}_app"
                )
                self.migrate(name)

    def _start_kafka(self) -> None:
        with self._progress.step("kafka"):
            self.kafka.start()
        with self._progress.step("topics"):
            self.create_topics()

    def _start_viewer(self, viewer: TraceViewer) -> None:
        with self._progress.step("trace viewer"):
            self.viewer = viewer if viewer.start() else None

    def _start_services(self, exit_stack: ExitStack) -> None:
        for name in self.service_names:
            for replica in self._replica_numbers():
                env = {**_inherited_env(), **self.service_env(name, replica)}
                log = self._log(f"{name}-{replica}")
                self._services[name, replica] = Service(
                    name, replica, self._addresses(name, replica), env, log, self._release
                )
        exit_stack.callback(self._stop_part, "services", self._stop_services)
        if self._autostart:
            tasks = [partial(self._start_service, service) for service in self.services]
            run_side_by_side(*tasks, abort=self._stop_services)

    def _start_service(self, service: Service) -> None:
        with self._progress.step(service.name + f" {service.replica}" * (self._replicas > 1)):
            service.start()
            service.wait_ready()

    def _stop_services(self) -> None:
        for service in self.services:
            service.request_stop()
        for service in self.services:
            service.stop()

    def _stop_part(self, name: str, stop: Callable[[], object]) -> None:
        with self._progress.step(f"{name} stopped"):
            stop()

    def _log(self, name: str) -> Path:
        """Returns a new log file of this name. The previous one is kept with another suffix."""
        log = self.root / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".log.before"))
        return log

    def _addresses(self, name: str, replica: int) -> Addresses:
        def address(port: str) -> str:
            return self._ports.address(f"{name}-{replica}.{port}")

        return Addresses(grpc=address("grpc"), health=address("health"), metrics=address("metrics"))

    def _replica_numbers(self) -> range:
        return range(1, self._replicas + 1)


def _kafka_env(identity: ca.Identity) -> dict[str, str]:
    """Returns the settings by which a client shows the brokers this certificate."""
    files = {"CA": identity.ca, "CERTIFICATE": identity.cert, "PRIVATE_KEY": identity.key}
    return {f"{_PREFIX}KAFKA_{name}_FILE": str(file) for name, file in files.items()}


def _inherited_env() -> dict[str, str]:
    """Returns our environment without settings of Safeconduct, which only the stack sets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
