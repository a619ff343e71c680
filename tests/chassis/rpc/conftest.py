"""A server with mutual TLS on loopback, the real contracts, and answers that a test sets."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import aio
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from safeconduct.applications.v1 import model_pb2, service_pb2
from safeconduct.applications.v1 import service_pb2_grpc as applications
from safeconduct.enforcement.v1 import service_pb2_grpc as enforcement

from chassis.rpc.errors import draining
from chassis.rpc.server import RpcServer
from chassis.settings import ServiceSettings
from chassis.telemetry import tracing
from infra.local import certificate_authority as ca

APPLICATIONS = "safeconduct.applications.v1.ApplicationService"
STANDING = "safeconduct.enforcement.v1.StandingService"
DOMAIN = "spiffe://safeconduct.example"
OFFICERS = """
officers:
  - {id: licensing-1, roles: [LICENSING_OFFICER], tier: 2}
  - {id: enforcement-1, roles: [ENFORCEMENT_OFFICER], tier: 3, affiliation: example-1}
  - {id: none-1, roles: [], tier: 1}
"""


class Applications(applications.ApplicationServiceServicer):
    """Answers SubmitApplication and WatchApplications with functions that a test sets."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        self.submit: Callable[..., Any] = self.store
        self.watch: Callable[..., Any] = self.follow

    async def store(self, request: Any, context: Any) -> Any:
        return service_pb2.SubmitApplicationResponse(
            application={"application_id": request.request_id}
        )

    async def follow(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield service_pb2.WatchApplicationsResponse(resume_token="1")
        await self.ending.wait()
        raise draining()

    async def SubmitApplication(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        return await self.submit(request, context)

    async def WatchApplications(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - the contract's name
        async for each in self.watch(request, context):
            yield each

    def drain(self) -> None:
        self.ending.set()


class Standing(enforcement.StandingServiceServicer):
    """Answers WatchStanding with a function that a test sets."""

    watch: Callable[..., Any]

    async def WatchStanding(self, requests: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - the contract's name
        async for each in self.watch(requests, context):
            yield each


@dataclass
class Rpc:
    server: RpcServer
    applications: Applications
    standing: Standing
    spans: InMemorySpanExporter
    certificates: Path
    not_ready: list[str]
    not_live: list[str]
    channels: list[aio.Channel] = field(default_factory=list)

    def channel(self, uri: str = f"{DOMAIN}/partner/example-1") -> aio.Channel:
        identity = ca.issue(self.certificates, uri.removeprefix("spiffe://").replace("/", "-"), uri)
        key, cert = identity.key.read_bytes(), identity.cert.read_bytes()
        credentials = grpc.ssl_channel_credentials(identity.ca.read_bytes(), key, cert)
        self.channels.append(aio.secure_channel(f"127.0.0.1:{self.server.port}", credentials))
        return self.channels[-1]

    def stub_with(self, cert: bytes, key: bytes) -> applications.ApplicationServiceStub:
        """A client with a certificate that the development authority would not sign."""
        ca_pem = (self.certificates / "ca.crt").read_bytes()
        credentials = grpc.ssl_channel_credentials(ca_pem, key, cert)
        self.channels.append(aio.secure_channel(f"127.0.0.1:{self.server.port}", credentials))
        return applications.ApplicationServiceStub(self.channels[-1])

    def stub(self, *uri: str) -> applications.ApplicationServiceStub:
        return applications.ApplicationServiceStub(self.channel(*uri))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    ca.issue(folder, "server", f"{DOMAIN}/service/applications")
    (folder / "officers.yaml").write_text(OFFICERS)
    ca.page_token_key(folder, "applications")
    return folder


@pytest.fixture
def settings(certificates: Path) -> ServiceSettings:
    return ServiceSettings(
        database_url="postgresql://app:password@127.0.0.1:5432/applications",
        kafka_bootstrap_servers="127.0.0.1:9092",
        grpc_listen_address="127.0.0.1:0",
        health_listen_address="127.0.0.1:0",
        metrics_listen_address="127.0.0.1:0",
        tls_certificate_file=certificates / "server.crt",
        tls_private_key_file=certificates / "server.key",
        tls_client_ca_file=certificates / "ca.crt",
        officers_file=certificates / "officers.yaml",
        page_token_keys_file=certificates / "applications-page-token.key",
        drain_seconds=0,
    )


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    yield exporter
    exporter.shutdown()


@asynccontextmanager
async def serving(
    settings: ServiceSettings,
    spans: InMemorySpanExporter,
    certificates: Path,
    *,
    deadline_s: float,
    grace_s: float,
    **more: Any,
) -> AsyncIterator[Rpc]:
    measured = tracing.setup("applications", "0.0.0", span_processors=(SimpleSpanProcessor(spans),))
    servicer, standing = Applications(), Standing()
    not_ready: list[str] = []
    not_live: list[str] = []
    server = RpcServer(
        settings.model_copy(update={"finish_seconds": grace_s}),
        measured,
        [
            (applications.add_ApplicationServiceServicer_to_server, servicer, APPLICATIONS),
            (enforcement.add_StandingServiceServicer_to_server, standing, STANDING),
        ],
        lambda: not_ready[0] if not_ready else None,
        not_live_reason=lambda: not_live[0] if not_live else None,
        deadline_s=deadline_s,
        **more,
    )
    await server.start()
    running = Rpc(server, servicer, standing, spans, certificates, not_ready, not_live)
    try:
        yield running
    finally:
        for channel in running.channels:
            await channel.close()
        await server.drain()
        measured.close()


@pytest.fixture
async def rpc(
    settings: ServiceSettings, spans: InMemorySpanExporter, certificates: Path
) -> AsyncIterator[Rpc]:
    async with serving(settings, spans, certificates, deadline_s=0.5, grace_s=5) as running:
        yield running


@pytest.fixture
async def rpc_with_short_grace(
    settings: ServiceSettings, spans: InMemorySpanExporter, certificates: Path
) -> AsyncIterator[Rpc]:
    """A server whose calls may last longer than it waits for them when it stops."""
    async with serving(settings, spans, certificates, deadline_s=60, grace_s=0.2) as running:
        yield running


@pytest.fixture
async def rpc_with_long_grace(
    settings: ServiceSettings, spans: InMemorySpanExporter, certificates: Path
) -> AsyncIterator[Rpc]:
    """A server that waits for its calls for an hour when it stops."""
    async with serving(settings, spans, certificates, deadline_s=3600, grace_s=3600) as running:
        yield running


@pytest.fixture
def request_() -> service_pb2.SubmitApplicationRequest:
    return submission()


def submission(**party: Any) -> service_pb2.SubmitApplicationRequest:
    details = model_pb2.ApplicationDetails(
        parties=[
            {
                "party_id": "end-user",
                "roles": [1, 6],
                "kind": 2,
                "name": "Example Clinic",
                "country": "CH",
                **party,
            }
        ],
        items=[{"model_id": "model-1", "access_mode": 2}],
        destinations=["CH"],
        end_uses=[1],
        validity_days=365,
        monthly_million_tokens=10,
        declaration={"is_true_and_complete": True, "declared_by_party_id": "end-user"},
    )
    return service_pb2.SubmitApplicationRequest(request_id=str(uuid.uuid4()), details=details)


@pytest.fixture
def submission_of() -> Callable[..., service_pb2.SubmitApplicationRequest]:
    return submission


@dataclass(frozen=True)
class Failure:
    """An error as a client reads it."""

    code: grpc.StatusCode
    message: str
    info: error_details_pb2.ErrorInfo
    details: dict[str, Any]
    raw: bytes


@pytest.fixture
def failure() -> Callable[[Any], Any]:
    async def read(call: Any) -> Failure:
        with pytest.raises(aio.AioRpcError) as caught:
            await call
        return failure_of(caught.value)

    return read


def failure_of(error: aio.AioRpcError) -> Failure:
    raw = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(raw)
    details = {}
    for packed in status.details:
        name = packed.TypeName().rsplit(".", 1)[1]
        assert name not in details, "a type of detail is there twice"
        details[name] = getattr(error_details_pb2, name)()
        packed.Unpack(details[name])
    return Failure(error.code(), error.details() or "", details["ErrorInfo"], details, raw)
