"""What the benchmarks measure on: one stack of its own, its parts by pid, and licenses to try things with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client

from infra.local.demo import read_examples
from infra.local.stack import Stack

PATIENCE_S: Final = 120.0
PARTNER, GATE = "partner/example-1", "gate/example-1/gate-1"
HOSPITAL: Final = "hospital-hosted-access"


@dataclass
class BenchStack:
    """The stack and who is in it. `is_quick`: small numbers, only to see that everything works."""

    stack: Stack
    is_quick: bool
    exit_stack: AsyncExitStack
    report: Callable[[str], None]
    _clients: dict[str, Client] = field(default_factory=dict)
    _is_whole: bool = False

    def pick(self, full: int, quick: int) -> int:
        """How many: the full number, or the quick one."""
        return quick if self.is_quick else full

    @cached_property
    def _prepared(self) -> tuple[Mapping[str, model_pb2.ApplicationDetails], Ed25519PrivateKey]:
        examples, key = read_examples(self.stack.root)
        return examples, conduct.load_key(key)

    @property
    def examples(self) -> Mapping[str, model_pb2.ApplicationDetails]:
        """Applications by name."""
        return self._prepared[0]

    @property
    def example_files(self) -> Path:
        """Where the files of the examples lie."""
        return self.stack.root / "examples"

    def parts(self, *services: str) -> dict[str, Callable[[], int | None]]:
        """Pids of these services, of PostgreSQL and of Kafka, by name."""
        found = {name: self._pid_of(name) for name in services}
        return {**found, "postgres": lambda: self.stack.postgres.pid, "kafka": self.stack.kafka.pid}

    def _pid_of(self, name: str) -> Callable[[], int | None]:
        service = self.stack.service(name)
        return lambda: service.pid

    async def applications(self) -> None:
        """Applications runs; nobody screens yet, so that nothing but submissions costs."""
        await self._up("applications")

    async def everything(self) -> None:
        """All three services run, and nothing waits to be screened."""
        if not self._is_whole:
            for name in ("screening", "enforcement", "applications"):
                await self._up(name)
            self._is_whole = True
        await self.until(
            "select count(*) = 0 from stream where state = 'SCREENING'",
            "every application screened",
        )

    async def _up(self, name: str) -> None:
        service = self.stack.service(name)
        if service.pid is None:
            self.report(f"{name} starts")
            service.start()
        await asyncio.to_thread(service.wait_ready)

    async def until(self, question: str, awaited: str, seconds: float = 600.0) -> None:
        """Until the database of applications says yes to the question."""
        database = self.stack.database("applications")
        connection = await asyncpg.connect(database.owner_dsn)
        try:
            async with asyncio.timeout(seconds):
                while not await connection.fetchval(question):  # noqa: ASYNC110 - the services know nothing of us
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"{awaited}: not within {seconds:g} s") from None
        finally:
            await connection.close()

    async def until_published(self) -> None:
        """Until everything that applications committed has reached the broker."""
        await self.until("select count(*) = 0 from outbox", "the outbox is empty")

    async def client(self, principal: str) -> Client:
        """The client of a principal, open until the end."""
        if principal not in self._clients:
            environ = self.stack.client_env(principal)
            made = Client(
                Endpoints.from_env(environ),
                Credentials.from_env(environ),
                deadline=PATIENCE_S,
                waits_for_ready=True,
            )
            self._clients[principal] = await self.exit_stack.enter_async_context(made)
        return self._clients[principal]

    def credentials(self, principal: str) -> Credentials:
        """The certificate of a principal."""
        return Credentials.from_env(self.stack.client_env(principal))

    async def license(self) -> str:
        """A license of the partner, issued the ordinary way."""
        partner = await self.client(PARTNER)
        submitted = await partner.applications.submit(self.examples[HOSPITAL])
        application = await self._eventually(
            lambda: partner.applications.get(submitted.application_id),
            lambda found: found.state != model_pb2.APPLICATION_STATE_SCREENING,
        )
        signer = next(
            each.party_id
            for each in application.details.parties
            if each.HasField("signing_authority")
        )
        answer = await partner.applications.accept_conduct_code(
            application.application_id,
            code_version=application.code_of_conduct.version,
            signatory_party_id=signer,
            signature=conduct.sign(application.acceptance_text, self._prepared[1]),
            etag=application.etag,
        )
        return answer.license.license_id

    async def _eventually(
        self,
        look: Callable[[], Awaitable[model_pb2.Application]],
        is_so: Callable[[model_pb2.Application], bool],
    ) -> model_pb2.Application:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so(found := await look()):  # noqa: ASYNC110 - it is decided elsewhere
                await asyncio.sleep(0.02)
        return found
