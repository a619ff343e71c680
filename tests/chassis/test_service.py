"""A whole service as a process: start, stop and exit code."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from infra.local import certificate_authority as ca
from infra.local.kafka import Kafka
from infra.local.ports import free_port
from infra.local.postgres import Database
from infra.local.probes import is_serving
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import event_headers, produce
from tests.chassis.sample_aggregate import add, new_journal, open_pool
from tests.chassis.transaction_pooler import transaction_pooler
from tests.chassis.waiting import eventually

OFFICERS = "officers: [{id: licensing-1, roles: [LICENSING_OFFICER], tier: 1, affiliation: null}]"


class Tiny:
    """A running service."""

    def __init__(
        self, process: asyncio.subprocess.Process, log: Path, ops: str, topic: str
    ) -> None:
        self.process, self.log, self.ops, self.topic = process, log, ops, topic

    async def is_serving(self, what: str = "") -> bool:
        return await asyncio.to_thread(is_serving, self.ops, what)

    async def ends(self) -> tuple[int, str]:
        """Returns its exit code and its output."""
        async with asyncio.timeout(30):
            return await self.process.wait(), self.log.read_text()


Start = Callable[..., Awaitable[Tiny]]


@pytest.fixture(scope="module")
def files(run_folder: Path) -> Path:
    folder = run_folder / "tiny"
    folder.mkdir()
    ca.issue(folder, "tiny", "spiffe://safeconduct.example/service/samples")
    ca.page_token_key(folder, "tiny")
    (folder / "officers.yaml").write_text(OFFICERS)
    return folder


@pytest.fixture
async def start(
    files: Path,
    versions: Path,
    database: Database,
    kafka: Kafka,
    new_topic: NewTopic,
    tmp_path: Path,
) -> AsyncIterator[Start]:
    """Starts the service with the given fault. It is killed at the end of the test."""
    running: list[Tiny] = []

    async def run(command: str = "serve", fault: str = "", **more: str) -> Tiny:
        topic, ops = await new_topic(), f"127.0.0.1:{free_port()}"
        env = {
            "SAFECONDUCT_DATABASE_URL": database.app_dsn,
            "SAFECONDUCT_DATABASE_OWNER_URL": database.owner_dsn,
            "SAFECONDUCT_DATABASE_APP_ROLE": database.app_role,
            "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "SAFECONDUCT_GRPC_LISTEN_ADDRESS": "127.0.0.1:0",
            "SAFECONDUCT_HEALTH_LISTEN_ADDRESS": ops,
            "SAFECONDUCT_METRICS_LISTEN_ADDRESS": "127.0.0.1:0",
            "SAFECONDUCT_TLS_CERTIFICATE_FILE": str(files / "tiny.crt"),
            "SAFECONDUCT_TLS_PRIVATE_KEY_FILE": str(files / "tiny.key"),
            "SAFECONDUCT_TLS_CLIENT_CA_FILE": str(files / "ca.crt"),
            "SAFECONDUCT_OFFICERS_FILE": str(files / "officers.yaml"),
            "SAFECONDUCT_PAGE_TOKEN_KEYS_FILE": str(files / "tiny-page-token.key"),
            "SAFECONDUCT_DRAIN_SECONDS": "0",
            "TINY_FAULT": fault,
            "TINY_TOPIC": topic,
            "TINY_MIGRATIONS": str(versions),
        }
        log = tmp_path / f"{len(running)}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chassis.tiny_service", command),
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | env | more,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        running.append(Tiny(process, log, ops, topic))
        return running[-1]

    yield run
    for each in running:
        if each.process.returncode is None:
            each.process.kill()
            await each.process.wait()


async def test_a_service_waits_for_its_tables_serves_and_exits_with_0_on_sigterm(
    start: Start,
) -> None:
    tiny = await start()
    await eventually(lambda: tiny.is_serving("live"), "it is live")
    assert not await tiny.is_serving()

    migrated = await (await start("migrate")).ends()
    await eventually(tiny.is_serving, "it is ready")
    tiny.process.send_signal(signal.SIGTERM)

    assert migrated == (0, "applied 1 migration(s)\n  0001\n")
    assert (await tiny.ends())[0] == 0


async def test_a_service_consumes_nothing_from_a_database_that_is_behind_its_migrations(
    start: Start, versions: Path, tmp_path: Path, kafka: Kafka
) -> None:
    await (await start("migrate")).ends()
    newer = tmp_path / "newer"
    shutil.copytree(versions, newer)
    (newer / "0002_next.py").write_text(
        'revision = "0002"\ndown_revision = "0001"\n\n\ndef upgrade():\n    pass\n'
    )
    tiny = await start(fault="stuck", TINY_MIGRATIONS=str(newer))
    await produce(kafka.bootstrap, tiny.topic, [(b"", event_headers(1))])
    reason = "the database is not migrated: it has 0001, this release needs 0002"
    await eventually(lambda: reason in tiny.log.read_text(), "it says why it is not ready")
    assert "stuck" not in tiny.log.read_text().splitlines()

    await (await start("migrate", TINY_MIGRATIONS=str(newer))).ends()

    await eventually(lambda: "stuck" in tiny.log.read_text().splitlines(), "it consumes")
    assert await tiny.is_serving()


async def test_the_command_rebuild_reports_and_ends_with_1_only_if_a_row_differs(
    start: Start, database: Database
) -> None:
    behind = await (await start("rebuild")).ends()
    await (await start("migrate")).ends()
    pool, sample = await open_pool(database.app_dsn), uuid4()
    await add(new_journal(pool), sample, 2)
    await pool.close()

    sound = await (await start("rebuild")).ends()
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("update stream set due_at = now()")
    await owner.close()
    differs = await (await start("rebuild")).ends()

    counts = "{} equal, 0 rewritten, 0 changed meanwhile, 0 of a later release, {} different\n"
    page = f"1 of 1 streams, the last {sample}\n1 streams: "
    assert behind == (
        1, "the database is not migrated: it has no migration, this release needs 0001\n"
    )  # fmt: skip
    assert sound == (0, page + counts.format(1, 0))
    assert differs == (1, f"{sample}: column due_at\n" + page + counts.format(0, 1))


async def test_a_service_that_still_waits_for_its_database_exits_with_0_on_sigterm(
    start: Start,
) -> None:
    tiny = await start(SAFECONDUCT_DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/nothing")
    await eventually(lambda: tiny.is_serving("live"), "it is live")

    tiny.process.send_signal(signal.SIGTERM)

    assert (await tiny.ends())[0] == 0


async def test_a_task_that_ends_by_itself_makes_the_service_exit_with_1(start: Start) -> None:
    await (await start("migrate")).ends()

    code, output = await (await start(fault="task")).ends()

    assert code == 1
    assert "a task ended by itself" in output


async def test_a_service_that_cannot_be_built_logs_the_cause_and_exits_with_1(start: Start) -> None:
    code, output = await (await start(fault="build")).ends()

    assert code == 1
    assert "ValueError" in output
    assert "tiny_service.py" in output


def fault_of(output: str) -> dict[str, object]:
    """The one line that says why the service cannot start. There are no frames."""
    lines = [json.loads(line) for line in output.splitlines()]
    (fault,) = [line for line in lines if line["level"] == "critical"]
    assert "exception" not in fault
    return {name: fault[name] for name in ("setting", "cause", "exit_code")}


@pytest.mark.parametrize("name", ["GRPC", "HEALTH", "METRICS"])
async def test_a_port_in_use_is_named_with_its_setting_and_has_its_own_exit_code(
    start: Start, name: str
) -> None:
    setting = f"SAFECONDUCT_{name}_LISTEN_ADDRESS"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, output = await (await start(**{setting: address})).ends()

    cause = f"{address} is in use by another process"
    assert code == 5
    assert fault_of(output) == {"setting": setting, "cause": cause, "exit_code": 5}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"password": "wrong"}, "the database refuses the user or the password (28P01)"),
        ({"database": "absent"}, "the server has no database of this name (3D000)"),
    ],
)
async def test_a_database_that_refuses_is_named_and_has_its_own_exit_code(
    start: Start, database: Database, change: dict[str, str], cause: str
) -> None:
    url = make_url(database.app_dsn).set(**change).render_as_string(hide_password=False)
    code, output = await (await start(SAFECONDUCT_DATABASE_URL=url)).ends()

    assert code == 3
    assert fault_of(output) == {
        "setting": "SAFECONDUCT_DATABASE_URL", "cause": cause, "exit_code": 3
    }  # fmt: skip


@pytest.mark.parametrize("command", ["migrate", "rebuild"])
async def test_a_command_with_a_wrong_password_says_so_in_one_line(
    start: Start, database: Database, command: str
) -> None:
    url = make_url(database.owner_dsn).set(password="wrong").render_as_string(hide_password=False)
    ended = await (await start(command, SAFECONDUCT_DATABASE_OWNER_URL=url)).ends()

    assert ended == (
        3,
        "SAFECONDUCT_DATABASE_OWNER_URL: the database refuses the user or the password (28P01)\n",
    )


async def test_a_pooler_in_transaction_mode_is_refused_with_a_sentence(
    start: Start, database: Database
) -> None:
    await (await start("migrate")).ends()
    url = make_url(database.app_dsn)
    assert url.port is not None
    async with transaction_pooler(url.port) as pooler:
        behind = url.set(port=pooler.port).render_as_string(hide_password=False)
        code, output = await (await start(SAFECONDUCT_DATABASE_URL=behind)).ends()

    assert code == 3
    assert fault_of(output)["setting"] == "SAFECONDUCT_DATABASE_URL"
    assert "another session (PgBouncer in transaction mode?)" in str(fault_of(output)["cause"])


async def test_a_broker_address_without_a_broker_is_named_while_the_service_waits(
    start: Start,
) -> None:
    await (await start("migrate")).ends()
    address = f"127.0.0.1:{free_port()}"
    tiny = await start(SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS=address)
    cause = f"{address} accepts no connection: nothing listens there"
    await eventually(lambda: cause in tiny.log.read_text(), "it names the address")

    assert "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS" in tiny.log.read_text()
    assert await tiny.is_serving("live")


async def test_a_misspelled_setting_is_refused_and_another_unknown_one_is_named(
    start: Start,
) -> None:
    refused = await (await start(SAFECONDUCT_LIMIT_FILE="x")).ends()
    tiny = await start(SAFECONDUCT_COLOUR="blue")
    line = "SAFECONDUCT_COLOUR is no setting of this service and is ignored"
    await eventually(lambda: line in tiny.log.read_text(), "it names the variable")

    meant = "SAFECONDUCT_LIMIT_FILE is no setting; did you mean SAFECONDUCT_LIMITS_FILE?"
    assert refused == (2, f"1 setting is missing or invalid:\n  {meant}\n")
    assert "blue" not in tiny.log.read_text()


async def test_tables_that_the_role_may_not_read_make_the_service_exit_with_1(
    start: Start, database: Database
) -> None:
    await (await start("migrate")).ends()
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(f"revoke all on stream from {database.app_role}")
    await owner.close()

    code, output = await (await start()).ends()

    assert code == 1
    assert "InsufficientPrivilege" in output


async def test_a_stuck_handler_does_not_keep_a_service_from_ending(
    start: Start, kafka: Kafka
) -> None:
    await (await start("migrate")).ends()
    tiny = await start(fault="stuck")
    await produce(kafka.bootstrap, tiny.topic, [(b"", event_headers(1))])
    await eventually(lambda: "stuck" in tiny.log.read_text().splitlines(), "the handler is stuck")

    tiny.process.send_signal(signal.SIGTERM)

    assert (await tiny.ends())[0] == 0


async def test_invalid_settings_are_all_reported_and_the_service_exits_with_2(start: Start) -> None:
    code, output = await (
        await start(SAFECONDUCT_DATABASE_URL="x", SAFECONDUCT_HEALTH_LISTEN_ADDRESS="y")
    ).ends()

    assert code == 2
    assert "SAFECONDUCT_DATABASE_URL" in output
    assert "SAFECONDUCT_HEALTH_LISTEN_ADDRESS" in output


async def test_a_service_with_a_setting_under_its_old_name_logs_old_and_new_name(
    start: Start,
) -> None:
    old, new = "SAFECONDUCT_GRPC_BIND", "SAFECONDUCT_GRPC_LISTEN_ADDRESS"
    tiny = await start(**{new: "", old: "127.0.0.1:0"})
    await eventually(lambda: tiny.is_serving("live"), "it is live")

    tiny.process.send_signal(signal.SIGTERM)
    code, output = await tiny.ends()
    lines = [json.loads(line) for line in output.splitlines()]
    (renamed,) = [line for line in lines if line["event"] == "setting_renamed"]

    assert code == 0
    assert (renamed["level"], renamed["old"], renamed["new"]) == ("warning", old, new)
