"""Applications serves without the other services; they process the waiting work later."""

from __future__ import annotations

from pathlib import Path

from safeconduct.applications.v1 import model_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client

from infra.local.stack import Stack

from .conftest import Examples


async def test_applications_serves_alone_and_the_submission_waits_for_screening(
    run_folder: Path, examples: Examples
) -> None:
    with Stack(run_folder / "alone", services=("applications",)) as stack:
        environ = stack.client_env("partner/example-1")
        async with Client(Endpoints.from_env(environ), Credentials.from_env(environ)) as partner:
            stored = await partner.applications.submit(examples["hospital-hosted-access"])
            found = await partner.applications.get(stored.application_id)
        left = stack.service("applications").stop()

    assert found == stored
    assert model_pb2.ApplicationState.Name(found.state) == "APPLICATION_STATE_SCREENING"
    assert left == 0
