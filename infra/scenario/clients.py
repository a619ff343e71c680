"""The clients of a scenario, one for each role."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from safeconduct import conduct
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client
from safeconduct.gate import Gate

from infra.local.stack import Stack

DEADLINE_S: Final = 120.0
"""Longer than the restart of any service, so that a scenario survives one."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients by role, the gate, and the key with which the signatory signs."""

    partner: Client
    licensing_officers: tuple[Client, Client]
    enforcement_officers: tuple[Client, Client]
    list_officer: Client
    telemetry: Client
    """Acts under the gate's identity and reports what the developer's telemetry observed."""
    gate: Gate
    key: Ed25519PrivateKey


async def open_clients(stack: Stack, key: Path, exit_stack: AsyncExitStack) -> Clients:
    """Returns connected clients. Calls wait up to DEADLINE_S for a service that restarts."""

    async def client(principal: str) -> Client:
        env = stack.client_env(principal)
        return await exit_stack.enter_async_context(
            Client(
                Endpoints.from_env(env),
                Credentials.from_env(env),
                deadline=DEADLINE_S,
                waits_for_ready=True,
            )
        )

    env = stack.client_env("gate/example-1/gate-1")
    gate = await exit_stack.enter_async_context(
        Gate(stack.addresses("enforcement"), Credentials.from_env(env))
    )
    await gate.ready(DEADLINE_S)
    return Clients(
        partner=await client("partner/example-1"),
        licensing_officers=(
            await client("officer/licensing-1"),
            await client("officer/licensing-2"),
        ),
        enforcement_officers=(
            await client("officer/enforcement-1"),
            await client("officer/enforcement-2"),
        ),
        list_officer=await client("officer/lists-1"),
        telemetry=await client("gate/example-1/gate-1"),
        gate=gate,
        key=conduct.load_key(key),
    )
