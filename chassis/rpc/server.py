"""The server of a process: gRPC with mutual TLS, reflection, health, metrics, draining."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import structlog
from grpc import aio
from grpc_reflection.v1alpha import reflection

from chassis.health import HealthServer, MetricsServer
from chassis.rpc.admission import Admission
from chassis.rpc.authorization import access_table, anyone_with_a_role
from chassis.rpc.call_limits import CallLimits
from chassis.rpc.calls_in_flight import CallsInFlight
from chassis.rpc.certificates import server_credentials
from chassis.rpc.interceptor import FIRST_MESSAGE_SECONDS, Interceptor
from chassis.rpc.limits import Capacity
from chassis.rpc.limits_file import LimitsFile
from chassis.rpc.officers import Officers
from chassis.rpc.partners import Partners
from chassis.rpc.validation import MAX_REQUEST_BYTES, Sentences, compile_rules
from chassis.settings import ServiceSettings
from chassis.telemetry.tracing import Telemetry

log = structlog.get_logger()

Registration: TypeAlias = tuple[Callable[[Any, aio.Server], None], object, str]
"""The generated `add_..._to_server`, the servicer, and the service's full name."""

OPTIONS: Final[Sequence[tuple[str, int]]] = (
    # A second process on the port is an error. Else it would silently take half of the calls.
    ("grpc.so_reuseport", 0),
    # The interceptor refuses requests above 1 MiB, with a reason that gRPC itself would not give.
    ("grpc.max_receive_message_length", 4 * MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", 4 * MAX_REQUEST_BYTES),
    # A new connection every five minutes lets a balancing client find new replicas.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # gRPC 1.85 waits for the answer to a ping for this time, whatever the line above says.
    ("grpc.http2.ping_timeout_ms", 20_000),
    # A client that is paused or gone is found without a call, too, and however long it was idle.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
    # Of one connection. Further calls wait in the client. More than the default limits of any
    # caller: a caller with higher ones needs a second connection.
    ("grpc.max_concurrent_streams", 256),
    # gRPC's default of 1,000 refuses calls when all watches reconnect at the same time.
    ("grpc.server.max_pending_requests", 20_000),
    ("grpc.server.max_pending_requests_hard_limit", 40_000),
)
MAX_CONCURRENT_CALLS: Final = 20_000
"""gRPC's own bound, which refuses without a reason.

`limits.Capacity` refuses long before, and bounds the memory of open watches, about 25 KiB each.
"""

_REFLECTION: Final = f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"
_CLIENT_SECONDS: Final = 2.0
"""Time for a client to do its part: read what was sent to it, or send what a call waits for."""


_NO_LIMIT_SECONDS: Final = 3_600.0
"""For gRPC's `stop`, which the drain ends itself."""


class RpcServer:
    """Serves the registered services until it is drained.

    `not_ready_reason` returns None if the service is ready, else the reason why not.
    `not_live_reason` does so for liveness. If a servicer
    has a method `drain()` (plain or async), the server calls it when it stops: the servicer then
    ends its watches, and every later one, with `chassis.rpc.errors.draining()`.

    Raises ValueError for a method whose contract has no roles, and the error of the rule compiler
    for a contract whose rules do not compile.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        telemetry: Telemetry,
        registrations: Sequence[Registration],
        not_ready_reason: Callable[[], str | None],
        *,
        not_live_reason: Callable[[], str | None] = lambda: None,
        deadline_s: float = 30.0,
        first_message_s: float = FIRST_MESSAGE_SECONDS,
        sentences: Sentences | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        names = [name for _, _, name in registrations]
        rules = access_table(names)
        named = {name for rule in rules.values() for name in rule.services}
        access = {**rules, _REFLECTION: anyone_with_a_role(named)}
        partners = Partners(settings.partners_file)
        compile_rules(names)
        self._settings = settings
        self._registrations = registrations
        self._calls = CallsInFlight()
        self._interceptor = Interceptor(
            telemetry,
            access,
            settings.spiffe_trust_domain,
            Officers(settings.officers_file, partners.has),
            partners,
            self._calls,
            CallLimits(LimitsFile(settings.limits_file), telemetry.registry, Admission(capacity)),
            deadline_s,
            sentences,
            first_message_s,
        )
        self._health = HealthServer(
            settings.health_listen_address, not_ready_reason, not_live_reason
        )
        self._metrics = MetricsServer(settings.metrics_listen_address, telemetry.registry)
        self._server: aio.Server | None = None
        self.port = 0

    @property
    def health_port(self) -> int:
        """Returns the port of the health service."""
        return self._health.port

    @property
    def metrics_port(self) -> int:
        """Returns the port of `/metrics`."""
        return self._metrics.port

    async def start(self) -> None:
        """Binds all three ports and serves. Raises OSError or RuntimeError if one is in use."""
        self._server = aio.server(
            interceptors=[self._interceptor],
            options=OPTIONS,
            maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
        )
        for add, servicer, _ in self._registrations:
            add(servicer, cast("aio.Server", _Unregistered(self._server)))
        names = [name for _, _, name in self._registrations]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._server)
        self.port = self._server.add_secure_port(
            self._settings.grpc_listen_address, server_credentials(self._settings.tls)
        )
        await self._server.start()
        self._metrics.start()
        await self._health.start()
        log.info(
            "serving", port=self.port, health_port=self.health_port, metrics_port=self.metrics_port
        )

    async def drain(self) -> None:
        """Stops serving, and returns when all ports are closed.

        In order: health reports not ready; calls are answered for `drain_seconds` more; watches end
        and new calls are refused; running calls finish within `finish_seconds`. A call that does
        not finish ends with DRAINING. A client that does not read or send adds a few seconds at
        most.
        """
        if self._server is None:
            return
        server, self._server = self._server, None
        await self._health.drain()
        await asyncio.sleep(self._settings.drain_seconds)
        self._calls.refuse_new()
        for _, servicer, _ in self._registrations:
            await _drain(servicer)
        await self._calls.wait_until_none_is_refused()
        # It asks the clients to close their connections, which an idle client does at once.
        stopping = asyncio.ensure_future(server.stop(_NO_LIMIT_SECONDS))
        await self._calls.finish(client_s=_CLIENT_SECONDS, grace_s=self._settings.finish_seconds)
        await asyncio.wait({stopping}, timeout=_CLIENT_SECONDS)
        # Connections of clients that do not read are left. gRPC would wait 20 s for each.
        ending = asyncio.ensure_future(server.stop(None))
        await asyncio.wait({stopping, ending}, timeout=_CLIENT_SECONDS)
        await self._metrics.stop()
        await self._health.stop()
        log.info("drained")


class _Unregistered:
    """Adds a servicer's methods by name only.

    For each registered method grpc.aio keeps a request of its own waiting, and every call pays for
    all of them.
    """

    def __init__(self, server: aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Does nothing: the generated code adds the same methods by name, too."""


async def _drain(servicer: object) -> None:
    # One open watch would make gRPC's `stop` wait for the whole grace.
    drain = getattr(servicer, "drain", None)
    if drain is not None:
        waiting = drain()
        if inspect.isawaitable(waiting):
            await waiting
