"""The stack under test: its processes by pid, its clients, and licenses."""

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

from infra.local.stack import Stack
from infra.scenario.examples import read_examples
from tests.bench.child_processes import HANG_S

PATIENCE_S: Final = 600.0
"""Deadline of a call. A busy machine may take long; no benchmark counts the slow calls as lost."""
PARTNER, GATE = "partner/example-1", "gate/example-1/gate-1"
HOSPITAL: Final = "hospital-hosted-access"


@dataclass
class BenchStack:
    """A running stack with its clients. `is_quick` selects small numbers for a smoke test."""

    stack: Stack
    is_quick: bool
    exit_stack: AsyncExitStack
    report: Callable[[str], None]
    _clients: dict[str, Client] = field(default_factory=dict)
    _is_whole: bool = False

    def pick(self, full: int, quick: int) -> int:
        """Returns `quick` in a smoke test, else `full`."""
        return quick if self.is_quick else full

    @cached_property
    def _prepared(self) -> tuple[Mapping[str, model_pb2.ApplicationDetails], Ed25519PrivateKey]:
        examples, key = read_examples(self.stack.root)
        return examples, conduct.load_key(key)

    @property
    def examples(self) -> Mapping[str, model_pb2.ApplicationDetails]:
        """Example applications by name."""
        return self._prepared[0]

    @property
    def example_files(self) -> Path:
        """Folder of the example files."""
        return self.stack.root / "examples"

    def parts(self, *services: str) -> dict[str, Callable[[], int | None]]:
        """Returns functions that give the pids of these services, PostgreSQL and Kafka."""
        found = {name: self._pid_of(name) for name in services}
        return {**found, "postgres": lambda: self.stack.postgres.pid, "kafka": self.stack.kafka.pid}

    def _pid_of(self, name: str) -> Callable[[], int | None]:
        service = self.stack.service(name)
        return lambda: service.pid

    async def applications(self) -> None:
        """Starts applications only, so that submissions alone use CPU."""
        await self._up("applications")

    async def everything(self) -> None:
        """Starts all services and waits until no application is in SCREENING."""
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

    async def until(self, question: str, awaited: str, seconds: float = HANG_S) -> None:
        """Waits until the SQL `question` is true in the database of applications."""
        database = self.stack.database("applications")
        connection = await asyncpg.connect(database.owner_dsn)
        try:
            async with asyncio.timeout(seconds):
                while not await connection.fetchval(question):  # noqa: ASYNC110 - the services cannot notify this process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"{awaited}: not within {seconds:g} s") from None
        finally:
            await connection.close()

    async def until_published(self) -> None:
        """Waits until the outbox of applications is empty."""
        await self.until("select count(*) = 0 from outbox", "the outbox is empty")

    async def client(self, principal: str) -> Client:
        """Returns the client of a principal; it stays open until the end."""
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
        """Returns the certificate of a principal."""
        return Credentials.from_env(self.stack.client_env(principal))

    async def license(self) -> str:
        """Issues a license through the public API and returns its id."""
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
        async with asyncio.timeout(HANG_S):
            while not is_so(found := await look()):  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(0.02)
        return found
