"""The texts that decisions rest on are kept by digest, byte for byte."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from services.applications.shell.data_files import SourceText, TextKind
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.stored_texts import StoredTexts
from tests.applications import builders as b

POLICY = b.POLICY.text
OTHER_POLICY = SourceText(TextKind.POLICY, "next", "policy.yaml", b"another")
REFERENCE, CODE = b.REFERENCE_FILE.texts


def texts(pool: asyncpg.Pool, *in_use: SourceText) -> StoredTexts:
    telemetry = setup("applications", "0.0.0", log_level="CRITICAL")
    return StoredTexts(Journal(pool, ApplicationStream(), telemetry, lambda: None), in_use)


async def kept(pool: asyncpg.Pool) -> dict[tuple[str, str], bool]:
    """Whether each text, by kind and version, is retired."""
    found = await pool.fetch("select * from stored_text")
    return {(each["kind"], each["version"]): each["retired_at"] is not None for each in found}


async def test_all_texts_of_a_replica_are_stored_as_they_were_read(pool: asyncpg.Pool) -> None:
    await texts(pool, POLICY, REFERENCE, CODE).ensure_stored()

    found = await pool.fetch("select digest, kind, version, file_name, content from stored_text")
    assert {tuple(each.values()) for each in found} == {
        (each.digest, each.kind, each.version, each.file_name, each.content)
        for each in (POLICY, REFERENCE, CODE)
    }


async def test_a_former_text_stays_and_counts_as_retired(pool: asyncpg.Pool) -> None:
    await texts(pool, POLICY, CODE).ensure_stored()
    await texts(pool, OTHER_POLICY, CODE).ensure_stored()

    assert await kept(pool) == {
        ("POLICY", POLICY.version): True,
        ("POLICY", "next"): False,
        ("CODE_OF_CONDUCT", CODE.version): False,
    }


async def test_a_text_that_is_used_again_is_no_longer_retired(pool: asyncpg.Pool) -> None:
    for policy in (POLICY, OTHER_POLICY, POLICY):
        await texts(pool, policy).ensure_stored()

    assert await kept(pool) == {("POLICY", POLICY.version): False, ("POLICY", "next"): True}


async def test_replicas_that_start_at_the_same_time_store_a_text_once(pool: asyncpg.Pool) -> None:
    replicas = [texts(pool, POLICY, REFERENCE) for _ in range(4)]

    await asyncio.gather(*(each.ensure_stored() for each in replicas))

    assert len(await kept(pool)) == 2


async def test_a_replica_stores_its_texts_once(pool: asyncpg.Pool) -> None:
    replica = texts(pool, POLICY)
    await replica.ensure_stored()
    await texts(pool, OTHER_POLICY).ensure_stored()
    await replica.ensure_stored()

    assert await kept(pool) == {("POLICY", POLICY.version): True, ("POLICY", "next"): False}


async def test_the_database_refuses_a_text_under_another_digest(pool: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            "insert into stored_text (digest, kind, version, file_name, content, stored_at)"
            " values ($1, 'POLICY', '1', 'policy.yaml', 'another', now())",
            POLICY.digest,
        )


@pytest.mark.parametrize(
    "change", ["update stored_text set content = ''", "delete from stored_text"]
)
async def test_the_service_cannot_change_or_remove_a_text(pool: asyncpg.Pool, change: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(change)


async def test_the_code_in_force_and_former_codes_are_read_by_their_digests(
    pool: asyncpg.Pool,
) -> None:
    later = SourceText(TextKind.CODE_OF_CONDUCT, "2.0", "code-2.md", b"a later text")
    await texts(pool, CODE).ensure_stored()
    replica = texts(pool, later)
    waiting = replace(b.awaiting_signature(), code_digest=CODE.digest)
    before = dict(replica.codes)

    await replica.load_codes(waiting, replace(waiting, code_digest=b"\x07" * 32), b.submitted())

    assert before == {later.digest: "a later text"}
    assert replica.codes == {**before, CODE.digest: CODE.content.decode()}
