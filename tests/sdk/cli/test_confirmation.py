"""Confirming: it is shown, asked, and asked again when it changed."""

from __future__ import annotations

import asyncio
import os
import sys

import grpc
import pytest
from safeconduct.applications.v1 import model_pb2 as model

from infra.local.certificate_authority import Identity
from tests.sdk.cli.running import RATIONALE, SDK, Command
from tests.sdk.fake_services import APPLICATION, LICENSE, RECOMMENDATION, FakeServices
from tests.sdk.servers import reason, serving

COUNTERSIGN = ("cases", "countersign", APPLICATION, *RATIONALE)


@pytest.fixture
def pending(services: FakeServices) -> FakeServices:
    """A recommendation that waits for a second officer."""
    services.case.recommendation.recommendation_id = RECOMMENDATION
    services.case.recommendation.outcome = model.OUTCOME_DENY
    services.case.recommendation.rationale = "the alias is that of the entry"
    return services


async def answered(files: Identity, port: int, answers: str) -> tuple[int, str]:
    """Runs the command at a terminal on which a person types the answers."""
    typed, terminal = os.openpty()
    os.write(typed, answers.encode())
    environ = {
        **{name: text for name, text in os.environ.items() if "SAFECONDUCT" not in name},
        "SAFECONDUCT_APPLICATIONS": f"127.0.0.1:{port}",
        "SAFECONDUCT_CA": str(files.ca),
        "SAFECONDUCT_CERT": str(files.cert),
        "SAFECONDUCT_KEY": str(files.key),
        "PYTHONPATH": str(SDK),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "safeconduct.cli", *COUNTERSIGN, env=environ, stdin=terminal,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    os.close(typed)
    os.close(terminal)
    return process.returncode or 0, out.decode()


async def test_what_is_confirmed_is_shown_before_it_is_asked(
    pending: FakeServices, server_files: Identity, partner_files: Identity
) -> None:
    async with serving(server_files, pending.register) as port:
        refused = await answered(partner_files, port, "n\n")
        agreed = await answered(partner_files, port, "y\n")

    assert refused[0] == 130
    assert "the alias is that of the entry" in refused[1].partition("Countersign this")[0]
    assert agreed[0] == 0
    assert len(pending.requests["CountersignDecision"]) == 1


async def test_it_is_shown_and_asked_again_when_it_changed_meanwhile(
    pending: FakeServices, server_files: Identity, partner_files: Identity
) -> None:
    changed = (grpc.StatusCode.ABORTED, "another version", reason("STALE_ETAG"))
    pending.refusals["CountersignDecision"] = [changed]

    async with serving(server_files, pending.register) as port:
        code, out = await answered(partner_files, port, "y\ny\n")

    assert code == 0
    assert out.count("Countersign this recommendation?") == 2
    assert "It changed meanwhile." in out


async def test_a_script_must_name_what_it_read(command: Command, pending: FakeServices) -> None:
    ran = await command(*COUNTERSIGN)

    assert ran.code == 2
    assert f"--yes {RECOMMENDATION}" in ran.err
    assert "CountersignDecision" not in pending.requests


async def test_a_script_that_read_another_one_is_refused(
    command: Command, pending: FakeServices
) -> None:
    ran = await command(*COUNTERSIGN, "--yes", LICENSE)

    assert ran.code == 4
    assert ran.err.startswith(f"PENDING_ACT_DIFFERS: {RECOMMENDATION} is pending, not {LICENSE}")
    assert "CountersignDecision" not in pending.requests


async def test_a_script_is_repeated_while_the_same_thing_is_pending(
    command: Command, pending: FakeServices
) -> None:
    changed = (grpc.StatusCode.ABORTED, "another version", reason("STALE_ETAG"))
    pending.refusals["CountersignDecision"] = [changed]

    ran = await command(*COUNTERSIGN, "--yes", RECOMMENDATION)

    assert (ran.code, len(pending.requests["CountersignDecision"])) == (0, 2)


async def test_quiet_prints_the_id_that_yes_takes(command: Command, pending: FakeServices) -> None:
    ran = await command("cases", "get", APPLICATION, "--quiet")

    assert ran.out == f"{RECOMMENDATION}\n"
