"""The keys that license documents verify with stay published after the service got another one."""

from __future__ import annotations

import asyncpg

from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from services.applications.shell.license_documents import LicenseSigner
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.signing_keys import SigningKeys
from tests.applications import builders as b

FIRST, SECOND = (LicenseSigner(key, "safeconduct.example") for key in (b.KEY, b.OTHER_KEY))


def keys(pool: asyncpg.Pool, signer: LicenseSigner) -> SigningKeys:
    telemetry = setup("applications", "0.0.0", log_level="CRITICAL")
    return SigningKeys(Journal(pool, ApplicationStream(), telemetry, lambda: None), signer)


async def published(pool: asyncpg.Pool) -> list[tuple[str, bool]]:
    """Id of each published key, and whether it is retired."""
    found = await keys(pool, SECOND).published()
    return [(each.key_id, each.retired_at is not None) for each in found]


async def test_a_key_is_published_before_it_is_registered(pool: asyncpg.Pool) -> None:
    (found,) = await keys(pool, FIRST).published()

    assert (found.key_id, found.public_key, found.valid_from) == (
        FIRST.key_id,
        FIRST.public_key,
        None,
    )


async def test_a_former_key_is_published_as_retired(pool: asyncpg.Pool) -> None:
    await keys(pool, FIRST).register()
    await keys(pool, SECOND).register()

    assert await published(pool) == [(SECOND.key_id, False), (FIRST.key_id, True)]


async def test_a_key_that_signs_again_is_no_longer_retired(pool: asyncpg.Pool) -> None:
    for signer in (FIRST, SECOND, FIRST):
        await keys(pool, signer).register()

    assert await published(pool) == [(FIRST.key_id, False), (SECOND.key_id, True)]


async def test_a_second_start_with_the_same_key_changes_nothing(pool: asyncpg.Pool) -> None:
    await keys(pool, FIRST).register()
    before = await pool.fetch("select * from signing_key")
    await keys(pool, FIRST).register()

    assert await pool.fetch("select * from signing_key") == before
