"""Events and states of the first release are read, and their pending acts are confirmed."""

from __future__ import annotations

import importlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from safeconduct.standing import (
    CAPABILITIES,
    Access,
    AccessVerdict,
    Clause,
    Grant,
    MeasureKind,
    StandingCause,
    judge,
)

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.migrations import migrate
from chassis.store.rebuild import FIRST, RebuildReport, rebuild
from chassis.telemetry.tracing import setup
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from services.enforcement.core.decide import decide
from services.enforcement.core.evolve import evolve
from services.enforcement.core.model import LicenseConduct, LicenseState, ViolationState
from services.enforcement.shell import codec, standing_codec
from services.enforcement.shell.projections import LicenseStream
from tests.enforcement.core.builders import (
    CASE,
    FOURTH,
    LICENSE,
    NOW,
    SECOND,
    confirm_finding,
    confirm_measure,
    confirm_reinstatement,
    done,
    register,
)

# Histories of one license each, as the first release stored them: events in order, and the state.
STORED = json.loads(
    (Path(__file__).with_name("data") / "first_release.json").read_text(encoding="utf-8")
)
ACCESS = Access(str(LICENSE), "frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE")
MIGRATIONS = CHECKOUT / "services" / "enforcement" / "migrations"
MIGRATION: Any = importlib.import_module("services.enforcement.migrations.0003_typed_states")


def folded(name: str) -> LicenseConduct:
    """The state that the stored events fold to."""
    conduct: LicenseConduct | None = None
    for event, payload in STORED[name]["events"]:
        conduct = evolve(conduct, codec.decode_event(event, bytes.fromhex(payload)))
    assert conduct is not None
    return conduct


def without_grants(state: bytes) -> Any:
    """The state without what a later release changed: it reads such a row from its events."""
    plain: Any = msgspec.msgpack.decode(state)
    for name in ("model_ids", "grants", "requires"):
        plain["standing"].pop(name, None)
    for name in ("destinations", "end_uses"):
        plain["standing"][name] = sorted(plain["standing"][name])
    return plain


@pytest.mark.parametrize("name", STORED)
def test_the_rewritten_state_is_the_fold_of_the_stored_events(name: str) -> None:
    rewritten = MIGRATION.rewritten(bytes.fromhex(STORED[name]["state"]))

    assert without_grants(rewritten) == without_grants(msgspec.msgpack.encode(folded(name)))


@pytest.mark.parametrize("name", STORED)
def test_a_state_of_this_release_is_not_rewritten(name: str) -> None:
    assert MIGRATION.rewritten(msgspec.msgpack.encode(folded(name))) is None


def test_a_finding_that_was_pending_before_the_upgrade_is_confirmed_after_it() -> None:
    conduct = folded("finding proposed")
    (case,) = conduct.violations
    assert case.pending_finding is not None

    confirmed = done(conduct, confirm_finding(SECOND, CASE, case.pending_finding.finding_id))

    assert confirmed.violations[0].state is ViolationState.FOUND


def test_a_measure_that_was_pending_before_the_upgrade_is_confirmed_after_it() -> None:
    conduct = folded("measure proposed")
    (case,) = conduct.violations
    assert case.pending_measure is not None

    confirmed = done(conduct, confirm_measure(SECOND, CASE, case.pending_measure.measure_id))

    assert confirmed.state is LicenseState.SUSPENDED


@pytest.mark.parametrize(
    "name", ["reinstatement proposed", "stopped by a list, reinstatement proposed"]
)
def test_a_reinstatement_that_was_pending_before_the_upgrade_is_confirmed_after_it(
    name: str,
) -> None:
    conduct = folded(name)
    assert conduct.reinstatement is not None

    confirmed = done(conduct, confirm_reinstatement(FOURTH, conduct.reinstatement.reinstatement_id))

    assert confirmed.state is LicenseState.ACTIVE


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("finding proposed", None),
        (
            "reinstatement proposed",
            StandingCause(
                MeasureKind.SUSPENSION, Clause.MILITARY_SURVEILLANCE, is_list_match=False
            ),
        ),
        ("reinstated", None),
        (
            "revoked after suspension",
            StandingCause(MeasureKind.REVOCATION, Clause.OVER_USE, is_list_match=False),
        ),
        ("stopped by a list", StandingCause(None, None, is_list_match=True)),
    ],
)
def test_the_text_of_a_cause_becomes_a_value(name: str, cause: StandingCause | None) -> None:
    assert folded(name).known_standing.cause == cause


def test_derived_ids_never_change() -> None:
    finding = folded("finding proposed").violations[0].finding
    reinstatement = folded("reinstatement proposed").reinstatement

    assert finding is not None
    assert reinstatement is not None
    assert (str(finding.finding_id), str(reinstatement.reinstatement_id)) == (
        "f80fd2bb-9e16-5a8e-93b9-7d18b2f4a01f",
        "17ed90dd-b1f2-5855-93fe-dc0b3abcb333",
    )


async def test_the_migration_rewrites_stored_rows_and_keeps_every_other(
    database: Database, tmp_path: Path
) -> None:
    until_third = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, until_third, ignore=shutil.ignore_patterns("000[4-9]_*"))
    migrate(database.owner_dsn, database.app_role, until_third)
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("update alembic_version set version_num = '0002'")
    now = datetime.now(UTC)
    # More rows than one batch, with every history several times.
    names = [name for _ in range(60) for name in STORED]
    keys = [UUID(int=number) for number in range(1, len(names) + 1)]
    states = {
        key: bytes.fromhex(STORED[name]["state"]) for key, name in zip(keys, names, strict=True)
    }
    today = UUID(int=len(keys) + 1)
    states[today] = msgspec.msgpack.encode(folded("revoked"))
    await owner.executemany(
        "insert into stream (id, version, state_data, latest_hash, state, traceparent, created_at,"
        " updated_at) values ($1, 1, $2, '\\x00', 'ACTIVE', '', $3, $3)",
        [(key, state, now) for key, state in states.items()],
    )

    assert migrate(database.owner_dsn, database.app_role, until_third) == ["0003"]

    found = dict(await owner.fetch("select id, state_data from stream"))
    await owner.close()
    expected = {
        key: without_grants(msgspec.msgpack.encode(folded(name)))
        for key, name in zip(keys, names, strict=True)
    }
    assert len(keys) > MIGRATION.BATCH
    assert {key: without_grants(found[key]) for key in keys} == expected
    assert found[today] == states[today]


async def test_after_stop_and_migrate_every_license_of_the_first_release_is_as_its_events_fold(
    database: Database, tmp_path: Path
) -> None:
    first = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, first, ignore=shutil.ignore_patterns("000[2-9]_*"))
    migrate(database.owner_dsn, database.app_role, first)
    owner = await asyncpg.connect(database.owner_dsn)
    keys = {name: UUID(int=number) for number, name in enumerate(STORED, 1)}
    for name, key in keys.items():
        events = STORED[name]["events"]
        await owner.execute(
            "insert into stream (id, version, doc, head, state, traceparent, created_at,"
            " updated_at) values ($1, $2, $3, '\\x00', 'ACTIVE', '', now(), now())",
            key, len(events), bytes.fromhex(STORED[name]["state"]),
        )  # fmt: skip
        await owner.executemany(
            "insert into event (stream_id, version, event_id, name, actor, occurred_at, state,"
            " payload, traceparent, prev_hash, hash) values ($1, $2, gen_random_uuid(), $3, '',"
            " now(), '', $4, '', '\\x00', '\\x00')",
            [
                (key, version, event, bytes.fromhex(payload))
                for version, (event, payload) in enumerate(events, 1)
            ],
        )

    migrate(database.owner_dsn, database.app_role, MIGRATIONS)

    pool = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=1)
    telemetry = setup("enforcement", "0.0.0", log_level="CRITICAL")
    journal = Journal(pool, LicenseStream(), telemetry, lambda: None)
    before = {each.id: each.state for each in await journal.select("")}
    report = await rebuild(owner, [LicenseStream()], FIRST, lambda _: None)
    after = {each.id: each.state for each in await journal.select("")}
    again = await rebuild(owner, [LicenseStream()], FIRST, lambda _: None)
    await pool.close()
    await owner.close()
    assert before == {key: folded(name) for name, key in keys.items()}
    assert after == before
    assert (report, again) == (RebuildReport(rewritten=len(keys)), RebuildReport(equal=len(keys)))


def test_a_standing_of_an_earlier_release_grants_no_form_of_access() -> None:
    stored = folded("finding proposed").known_standing

    assert stored.grants == {Grant("frontier-1", None)}
    assert judge(stored, ACCESS, NOW, 0).reason is AccessVerdict.ACCESS_MODE_NOT_GRANTED
    assert not standing_codec.to_message(stored).model_ids


@pytest.mark.parametrize("name", ["finding proposed", "reinstatement proposed"])
def test_a_license_that_is_published_again_gets_its_forms_of_access(name: str) -> None:
    before = folded(name)

    after = done(before, register())

    assert after.known_standing == replace(
        before.known_standing,
        version=before.known_standing.version + 1,
        requires=CAPABILITIES,
        grants=register().grants,
        changed_at=NOW,
    )
    assert after.state is before.state
    assert decide(after, register(), NOW) == ()


async def test_the_migration_forgets_that_licenses_were_registered_and_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    until_third = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, until_third, ignore=shutil.ignore_patterns("000[4-9]_*"))
    migrate(database.owner_dsn, database.app_role, until_third)
    owner = await asyncpg.connect(database.owner_dsn)
    for number, event in enumerate(("LicenseIssued", "PartyListed")):
        key = IdempotencyKey.of_event(UUID(int=number), event)
        await owner.execute(
            "insert into idempotency (id, method, digest, response) values ($1, $2, $3, '')",
            key.id,
            key.method,
            key.digest,
        )

    migrate(database.owner_dsn, database.app_role, MIGRATIONS)

    kept = await owner.fetch("select method from idempotency")
    await owner.close()
    assert [each["method"] for each in kept] == ["event:PartyListed"]
