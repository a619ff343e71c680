"""The local stack without its services, and the command that brings it up."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from safeconduct.cli.profile_file import read_profiles

from chassis.transport.brokers import client_options
from infra.cache import CHECKOUT
from infra.local.kafka import Kafka
from infra.local.processes import wait_until
from infra.local.profiles import PRINCIPALS, write_profiles
from infra.local.root_lock import AlreadyRunningError
from infra.local.stack import OFFICERS, TOPICS, Stack

SECONDS = 120.0


@pytest.fixture(scope="module")
def stack(run_folder: Path) -> Iterator[Stack]:
    with Stack(run_folder / "stack-without-services", services=()) as running:
        yield running


async def _topics(cluster: Kafka) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**client_options(cluster.bootstrap))
    await admin.start()
    try:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()


async def test_every_topic_of_the_file_exists_with_its_partitions_and_dead_letters(
    stack: Stack,
) -> None:
    declared = yaml.safe_load(TOPICS.read_text(encoding="utf-8"))["topics"]
    expected = {topic["name"]: topic["partitions"] for topic in declared}
    expected |= {f"{topic['name']}.dlq": 1 for topic in declared if topic["dlq"]}

    assert await _topics(stack.kafka) == expected


async def test_the_database_answers(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.postgres.dsn())
    assert await connection.fetchval("select 1") == 1
    await connection.close()


def test_creating_the_topics_again_changes_nothing(stack: Stack) -> None:
    stack.create_topics()


def test_a_client_environment_names_files_that_exist(stack: Stack) -> None:
    env = stack.client_env("partner/example-1")

    assert all(Path(env[f"SAFECONDUCT_{name}"]).is_file() for name in ("CA", "CERT", "KEY"))


def test_every_profile_can_be_read_by_the_command(stack: Stack) -> None:
    profiles = read_profiles(write_profiles(stack))

    assert set(profiles) == {"default", *PRINCIPALS}
    for profile in profiles.values():
        assert all(Path(profile[name]).is_file() for name in ("ca", "cert", "key"))


def test_a_second_stack_on_the_same_root_is_refused_and_disturbs_nothing(stack: Stack) -> None:
    ports = (stack.root / "ports.json").read_bytes()

    with pytest.raises(AlreadyRunningError, match="already runs"), Stack(stack.root, services=()):
        pass

    assert (stack.root / "ports.json").read_bytes() == ports
    assert stack.postgres.is_ready


def test_every_officer_has_known_roles_and_a_tier() -> None:
    officers = yaml.safe_load(OFFICERS.read_text(encoding="utf-8"))["officers"]
    roles = {role for officer in officers for role in officer["roles"]}

    assert roles == {"LICENSING_OFFICER", "COUNTERSIGNER", "ENFORCEMENT_OFFICER", "LIST_OFFICER"}
    assert {officer["tier"] for officer in officers} <= {1, 2, 3}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_is_stopped_by_a_signal_while_it_starts_and_leaves_nothing_running(
    tmp_path: Path, number: signal.Signals
) -> None:
    pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    argv = [
        sys.executable,
        "-m",
        "infra.local",
        "up",
        "--no-viewer",
        "--no-services",
        "--root",
        str(tmp_path),
    ]
    with subprocess.Popen(
        argv, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        wait_until(pid_file.exists, SECONDS, "postgres begun")
        up.send_signal(number)
        output, _ = up.communicate(timeout=SECONDS)

    assert up.returncode == 0, output
    assert "postgres stopped" in output
    assert not pid_file.exists()
