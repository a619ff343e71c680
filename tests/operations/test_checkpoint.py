"""A signed checkpoint finds a chain that was rewritten as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safeconduct import conduct

from chassis.store.hash_chain import GENESIS_HASH, chain_hash, event_id_of
from infra.local.asyncio_thread import run_coroutine
from infra.local.postgres import Database
from operations.audit import checkpoint
from operations.audit.checkpoint import Head
from operations.audit.trusted_keys import TrustedKeys, thumbprint
from operations.error_messages import InputError
from tests.chassis.sample_aggregate import NOON, SampleJournal, add

from .conftest import Ran, safeconduct

AUDITOR = conduct.generate_key()
PUBLIC = conduct.public_bytes(AUDITOR)
TRUSTED = TrustedKeys({thumbprint(PUBLIC): PUBLIC})
HEADS = [Head("samples", UUID(int=number), number, bytes([number] * 32)) for number in range(1, 4)]


async def each_head() -> AsyncIterator[Head]:
    for head in HEADS:
        yield head


@pytest.fixture(scope="module")
def content(run_folder: Path) -> bytes:
    """A checkpoint of three heads."""
    file = run_folder / "heads.checkpoint"
    run_coroutine(checkpoint.write(each_head(), file, AUDITOR, NOON))
    return file.read_bytes()


def written(folder: Path, content: bytes) -> Path:
    file = folder / "point"
    file.write_bytes(content)
    return file


def test_a_checkpoint_is_read_as_it_was_written(content: bytes, tmp_path: Path) -> None:
    found = checkpoint.read(written(tmp_path, content), TRUSTED)

    assert list(found.heads()) == HEADS
    assert (found.taken_at, found.streams) == (NOON.replace(microsecond=0), {"samples": 3})


def test_a_checkpoint_is_never_replaced(tmp_path: Path) -> None:
    file = written(tmp_path, b"kept")

    with pytest.raises(InputError, match="File exists"):
        run_coroutine(checkpoint.write(each_head(), file, AUDITOR, NOON))
    assert file.read_bytes() == b"kept"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_no_byte_of_a_checkpoint_can_be_changed(
    content: bytes, tmp_path: Path, place: int, change: int
) -> None:
    raw = bytearray(content)
    raw[place % len(raw)] ^= change
    try:
        found = checkpoint.read(written(tmp_path, bytes(raw)), TRUSTED)
    except InputError:
        return
    # White space behind the signature.
    assert list(found.heads()) == HEADS


@pytest.mark.parametrize(
    "forge",
    [
        lambda lines: lines[1:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines[:-1], lines[0], lines[-1]],
        lambda lines: [*lines, lines[0]],
        lambda lines: lines[:-1],
        lambda lines: [],
        lambda lines: [lines[0].upper(), *lines[1:]],
        lambda lines: [b"x" * 100_000, *lines],
    ],
    ids=["one less", "another order", "one twice", "one behind the signature", "no signature",
         "nothing", "another spelling", "a long line"],
)  # fmt: skip
def test_heads_that_were_not_signed_are_refused(
    content: bytes, tmp_path: Path, forge: Callable[[list[bytes]], list[bytes]]
) -> None:
    lines = content.splitlines(keepends=True)

    with pytest.raises(InputError) as refused:
        checkpoint.read(written(tmp_path, b"".join(forge(lines))), TRUSTED)

    assert refused.value.reason == "CHECKPOINT"


def test_a_checkpoint_of_an_unknown_key_is_refused(content: bytes, tmp_path: Path) -> None:
    for trusted in (TrustedKeys(), TrustedKeys(ids=frozenset({thumbprint(PUBLIC)}))):
        with pytest.raises(InputError, match="does not verify"):
            checkpoint.read(written(tmp_path, content), trusted)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    conduct.save_key(AUDITOR, tmp_path / "auditor.pem")
    return tmp_path / "auditor.pem"


async def audit(store: Database, *arguments: str | Path) -> Ran:
    environ = {"SAFECONDUCT_AUDIT_SAMPLES_URL": store.operator_dsn}
    return await safeconduct(environ, "audit", *map(str, arguments), "--json")


async def rewrite(superuser: asyncpg.Connection, sample: str) -> None:
    """Replaces a stream by a consistent one: other actors, all hashes anew."""
    rows = await superuser.fetch(
        "select * from event where stream_id = $1 order by version", UUID(sample)
    )
    previous = GENESIS_HASH
    for row in rows:
        hash_ = chain_hash(
            previous, row["stream_id"], row["version"], row["occurred_at"], row["name"],
            "officer/nobody", row["payload"],
        )  # fmt: skip
        await superuser.execute(
            "update event set actor = 'officer/nobody', previous_hash = $3, hash = $4,"
            " event_id = $5 where stream_id = $1 and version = $2",
            row["stream_id"], row["version"], previous, hash_, event_id_of(hash_),
        )  # fmt: skip
        previous = hash_
    await superuser.execute(
        "update stream set latest_hash = $2 where id = $1", UUID(sample), previous
    )


async def test_chains_that_grow_extend_their_checkpoint(
    own_store: Database, samples: list[str], journal: SampleJournal, key_file: Path, tmp_path: Path
) -> None:
    point = tmp_path / "point"
    taken = await audit(own_store, "checkpoint", "--signing-key", key_file, "--out", point)
    await add(journal, UUID(samples[0]), 7)
    ran = await audit(own_store, "verify", "--checkpoint", point, "--keys", key_file)

    assert (taken.code, taken.json["streams"]) == (0, {"samples": 3})
    assert (ran.code, ran.json["faults"]) == (0, [])
    assert ran.json["checkpointed"] == {"samples": 3}


async def test_a_chain_that_was_rewritten_as_a_whole_does_not_extend_the_checkpoint(
    own_store: Database,
    samples: list[str],
    superuser: asyncpg.Connection,
    key_file: Path,
    tmp_path: Path,
) -> None:
    point = tmp_path / "point"
    await audit(own_store, "checkpoint", "--signing-key", key_file, "--out", point)
    await rewrite(superuser, samples[1])
    alone = await audit(own_store, "verify")
    ran = await audit(own_store, "verify", "--checkpoint", point, "--keys", key_file)

    assert (alone.code, alone.json["faults"]) == (0, [])
    assert ran.code == 1
    assert [(each["streamId"], each["version"], each["kind"]) for each in ran.json["faults"]] == [
        (samples[1], 5, "FORKED")
    ]


async def test_a_stream_that_was_removed_as_a_whole_does_not_extend_the_checkpoint(
    own_store: Database,
    samples: list[str],
    superuser: asyncpg.Connection,
    key_file: Path,
    tmp_path: Path,
) -> None:
    point = tmp_path / "point"
    await audit(own_store, "checkpoint", "--signing-key", key_file, "--out", point)
    for table, column in (("outbox", "stream_id"), ("event", "stream_id"), ("stream", "id")):
        await superuser.execute(f"delete from {table} where {column} = $1", UUID(samples[2]))
    ran = await audit(own_store, "verify", "--checkpoint", point, "--keys", key_file)

    assert (ran.code, [each["kind"] for each in ran.json["faults"]]) == (1, ["FORKED"])


async def test_no_checkpoint_is_taken_of_a_broken_chain(
    own_store: Database,
    samples: list[str],
    superuser: asyncpg.Connection,
    key_file: Path,
    tmp_path: Path,
) -> None:
    await superuser.execute(
        "update stream set latest_hash = $2 where id = $1", UUID(samples[0]), bytes(32)
    )
    ran = await audit(
        own_store, "checkpoint", "--signing-key", key_file, "--out", tmp_path / "point"
    )

    assert (ran.code, '"reason": "BROKEN"' in ran.err) == (2, True)
    assert not (tmp_path / "point").exists()


async def test_a_key_file_that_is_none_is_named(own_store: Database, tmp_path: Path) -> None:
    ran = await audit(
        own_store, "checkpoint", "--signing-key", "/dev/zero", "--out", tmp_path / "point"
    )

    assert (ran.code, "not a regular file" in ran.err) == (2, True)
