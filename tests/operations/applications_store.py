"""A database of applications with decided applications, for the audit's commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.migrations import migrate
from chassis.telemetry.tracing import setup
from infra.cache import CHECKOUT
from infra.local.postgres import Database, Postgres
from services.applications.core.application_details import ApplicationDetails
from services.applications.core.commands import Command, ConcludeScreening, Submit
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import Application, PolicyOutcome
from services.applications.core.policy_facts import PolicyBasis, facts
from services.applications.core.screening_summary import ScreeningSummary
from services.applications.shell.policy import Policy, facts_message
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.stored_texts import StoredTexts
from tests.applications import builders as b


@dataclass(frozen=True)
class ApplicationsStore:
    """The database, and what a replica of the service does to it under one policy file."""

    database: Database
    pool: asyncpg.Pool
    superuser_dsn: str
    policy: Policy = b.POLICY

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the audit's commands."""
        return {"SAFECONDUCT_AUDIT_APPLICATIONS_URL": self.database.operator_dsn}

    def with_policy(self, policy: Policy) -> ApplicationsStore:
        """The same database after a start with another policy file."""
        return replace(self, policy=policy)

    async def start(self) -> ApplicationsStore:
        """Stores the texts, as a replica does when it starts."""
        texts = (self.policy.text, *b.REFERENCE_FILE.texts)
        await StoredTexts(self._journal(), texts).ensure_stored()
        return self

    async def execute(self, application_id: UUID, *commands: Command) -> Application:
        """Carries out the commands and returns the application after them."""
        journal = self._journal()
        for command in commands:
            key = IdempotencyKey(uuid4(), type(command).__name__, b"")
            await journal.execute(application_id, key, "officer/one", _decision(command))
        found = await journal.read(application_id)
        assert found is not None
        return found.state

    async def screened(
        self,
        details: ApplicationDetails | None = None,
        summary: Callable[[ApplicationDetails], ScreeningSummary] = b.screening,
    ) -> UUID:
        """Submits an application, and concludes its screening under the policy."""
        application_id, described = uuid4(), details or b.details()
        found = summary(described)
        outcome, basis = evaluated(self.policy, described, found, b.NOW)
        await self.execute(
            application_id,
            Submit(application_id, b.PARTNER, described, b.REFERENCE_DATA),
            ConcludeScreening(found, outcome, basis, uuid4(), b.REFERENCE_FILE.signing_terms),
        )
        return application_id

    async def tamper(self, *statements: str) -> None:
        """Runs statements as a superuser whom no trigger and no constraint stops."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            await connection.execute("alter table event disable trigger all")
            await connection.execute(
                "alter table stored_text drop constraint if exists stored_text_check"
            )
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def _journal(self) -> Journal[Application, Event]:
        telemetry = setup("applications", "0.0.0", log_level="CRITICAL")
        return Journal(self.pool, ApplicationStream(), telemetry, lambda: None)


@asynccontextmanager
async def open_store(database: Database, postgres: Postgres) -> AsyncIterator[ApplicationsStore]:
    """Migrates the database and starts a replica with the published texts."""
    folder = CHECKOUT / "services" / "applications" / "migrations"
    migrate(database.owner_dsn, database.app_role, folder)
    pool = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=4)
    try:
        yield await ApplicationsStore(database, pool, postgres.dsn(database.name)).start()
    finally:
        await pool.close()


def evaluated(
    policy: Policy, details: ApplicationDetails, summary: ScreeningSummary, now: datetime
) -> tuple[PolicyOutcome, PolicyBasis]:
    """The outcome of policy and its basis, as the service's event handlers make them."""
    found = facts(details, summary, b.REFERENCE_DATA, now)
    basis = PolicyBasis(
        found, policy.text.digest, b.REFERENCE_DATA.digest, b.REFERENCE_DATA.version
    )
    return policy.evaluate(facts_message(found), now), basis


def _decision(command: Command) -> Callable[[Application | None], tuple[Event, ...]]:
    def decision(state: Application | None) -> tuple[Event, ...]:
        decided = decide(state, command, b.NOW)
        assert isinstance(decided, tuple), decided
        return decided

    return decision
