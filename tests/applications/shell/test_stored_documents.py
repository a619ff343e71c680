"""A license document is signed once: its bytes outlive the key that signed it."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest
from safeconduct.documents import verify

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from services.applications.core.commands import Command, Submit
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import Application, License, LicenseState, RuleEffect
from services.applications.shell.license_documents import LicenseSigner
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.signing_keys import SigningKeys
from services.applications.shell.stored_documents import StoredDocuments, document_table
from tests.applications import builders as b

FIRST, SECOND = (LicenseSigner(key, "safeconduct.example") for key in (b.KEY, b.OTHER_KEY))
Applications = Journal[Application, Event]


def journal_of(pool: asyncpg.Pool, signer: LicenseSigner | None) -> Applications:
    """The journal of a replica that signs with this key; of one that stores no documents."""
    telemetry = setup("applications", "0.0.0", log_level="CRITICAL")
    table = document_table(signer) if signer is not None else None
    return Journal(pool, ApplicationStream(), telemetry, lambda: None, event_table=table)


def documents(pool: asyncpg.Pool, signer: LicenseSigner) -> StoredDocuments:
    return StoredDocuments(journal_of(pool, signer), signer, lambda: b.NOW)


async def execute(journal: Applications, command: Command) -> Application:
    def decision(state: Application | None) -> tuple[Event, ...]:
        decided = decide(state, command, b.NOW)
        assert isinstance(decided, tuple)
        return decided

    key = IdempotencyKey(uuid4(), type(command).__name__, b"")
    await journal.execute(b.APPLICATION_ID, key, "partner/example-1", decision)
    found = await journal.read(b.APPLICATION_ID)
    assert found is not None
    return found.state


async def issue(journal: Applications) -> License:
    """Issues a license by commands, as the service does."""
    await execute(journal, Submit(b.APPLICATION_ID, b.PARTNER, b.details(), b.REFERENCE_DATA))
    waiting = await execute(journal, b.conclude(RuleEffect.APPROVE))
    issued = await execute(journal, b.accept(waiting))
    assert issued.license is not None
    return issued.license


async def issued_hash(journal: Applications) -> str:
    events = await journal.history(b.APPLICATION_ID)
    return next(each.hash.hex() for each in events if each.name == "LicenseIssued")


async def test_the_document_is_stored_with_the_event_that_issues_the_license(
    pool: asyncpg.Pool,
) -> None:
    journal = journal_of(pool, FIRST)
    license_ = await issue(journal)
    (row,) = await pool.fetch("select * from license_document")
    claims = verify(row["document"], {FIRST.key_id: FIRST.public_key}).claims

    assert (row["license_id"], row["revision"], row["key_id"]) == (
        license_.license_id,
        1,
        FIRST.key_id,
    )
    assert row["application_id"] == b.APPLICATION_ID
    assert claims["event_sha256"] == await issued_hash(journal)
    assert claims["jti"] == str(license_.license_id)


async def test_a_document_is_the_same_after_the_service_has_got_another_key(
    pool: asyncpg.Pool,
) -> None:
    license_ = await issue(journal_of(pool, FIRST))
    await SigningKeys(journal_of(pool, FIRST), FIRST).register()
    before = await documents(pool, FIRST).newest(license_)

    keys = SigningKeys(journal_of(pool, SECOND), SECOND)
    await keys.register()
    after = await documents(pool, SECOND).newest(license_)
    published = {each.key_id: each.public_key for each in await keys.published()}

    assert before == after
    assert list(published) == [SECOND.key_id, FIRST.key_id]
    assert verify(after.document, published).key_id == FIRST.key_id


async def test_the_document_of_a_license_of_an_earlier_release_is_signed_at_its_first_read_only(
    pool: asyncpg.Pool,
) -> None:
    license_ = await issue(journal_of(pool, None))
    assert not await pool.fetch("select 1 from license_document")

    first = await documents(pool, FIRST).newest(license_)

    assert verify(first.document, {FIRST.key_id: FIRST.public_key}).claims["event_sha256"] == (
        await issued_hash(journal_of(pool, None))
    )
    assert await documents(pool, SECOND).newest(license_) == first


async def test_replicas_with_different_keys_that_read_at_once_return_one_document(
    pool: asyncpg.Pool,
) -> None:
    license_ = await issue(journal_of(pool, None))

    found = await asyncio.gather(
        *(documents(pool, signer).newest(license_) for signer in (FIRST, SECOND) * 4)
    )

    assert len(set(found)) == 1


async def test_the_newest_revision_is_returned(pool: asyncpg.Pool) -> None:
    license_ = await issue(journal_of(pool, FIRST))
    await pool.execute(
        "insert into license_document"
        " (license_id, revision, application_id, key_id, document, signed_at)"
        " values ($1, 2, $2, 'key', 'a later one', now())",
        license_.license_id,
        b.APPLICATION_ID,
    )

    found = await documents(pool, FIRST).newest(license_)

    assert (found.document, found.revision) == ("a later one", 2)


@pytest.mark.parametrize(
    "statement",
    ["update license_document set document = ''", "delete from license_document",
     "delete from signing_key", "update signing_key set public_key = public_key"],
)  # fmt: skip
async def test_the_service_itself_may_not_change_what_was_signed(
    pool: asyncpg.Pool, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def test_a_rebuild_of_the_stream_signs_nothing(pool: asyncpg.Pool) -> None:
    journal = journal_of(pool, FIRST)
    await issue(journal)
    events = await journal.history(b.APPLICATION_ID)
    journal_of(pool, SECOND).rebuild(events)

    assert [row[0] for row in await pool.fetch("select key_id from license_document")] == [
        FIRST.key_id
    ]


def test_only_the_event_that_issues_a_license_has_a_document() -> None:
    application = b.approved()
    decided = decide(application, b.follow(LicenseState.SUSPENDED, 2), b.NOW)
    assert isinstance(decided, tuple)

    assert [document_table(FIRST).rows(each, application, b"", b.NOW) for each in decided] == [()]
