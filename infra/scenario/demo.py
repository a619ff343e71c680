"""`make demo`: the whole scenario on a stack of its own, with progress, and `build/demo.json` as its record.

Exits 0 only if every step held. Nothing it starts outlives it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.cli.application_file import read_application
from safeconduct.client import Client, SafeconductError
from safeconduct.gate import Gate

from infra.cache import CHECKOUT
from infra.local.stack import Stack
from infra.scenario.list_update import naming
from infra.scenario.scenario import PATIENCE_S, Clients, Scenario, ScenarioError
from infra.scenario.trace_graph import TraceGraph, trace_graph

EXAMPLES: Final = CHECKOUT / "sdk" / "examples"
SPANS_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the scenario as it went."""

    id: str
    name: str
    ok: bool
    ms: float
    detail: str


def read_examples(root: Path) -> tuple[Mapping[str, model_pb2.ApplicationDetails], Path]:
    """The examples by name, with a signatory's key made for them; read from a copy, which the key lies beside."""
    folder = root / "examples"
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    key = folder / "keys" / "signatory.pem"
    key.parent.mkdir(exist_ok=True)
    if not key.exists():
        conduct.save_key(conduct.generate_key(), key)
    now = datetime.now(UTC)
    return {file.stem: read_application(file, now) for file in sorted(folder.glob("*.yaml"))}, key


def updated_list(examples: Mapping[str, model_pb2.ApplicationDetails]) -> bytes:
    """The shipped list, with the end user of (c)'s application added."""
    parties = examples["fine-tuning-service"].parties
    user = next(party for party in parties if model_pb2.PARTY_ROLE_END_USER in party.roles)
    return naming("demonstration-1", user.name, f"{user.address}, {user.country}")


async def open_clients(stack: Stack, key: Path, undo: AsyncExitStack) -> Clients:
    """Clients for everybody, patient enough to sit out a restart of any service."""

    async def client(principal: str) -> Client:
        environ = stack.client_env(principal)
        endpoints, credentials = Endpoints.from_env(environ), Credentials.from_env(environ)
        return await undo.enter_async_context(
            Client(endpoints, credentials, deadline=PATIENCE_S, waits_for_ready=True)
        )

    environ = stack.client_env("gate/example-1/gate-1")
    gate = await undo.enter_async_context(
        Gate(stack.addresses("enforcement"), Credentials.from_env(environ))
    )
    await gate.ready(PATIENCE_S)
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


class StepRecorder:
    """Tells the scenario on a terminal and keeps what was told."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.steps: list[Step] = []

    def happening(self, what: str, ms: float) -> None:
        """One line: what happened and why, and how long it took."""
        took = f"{ms:8.1f} ms" if ms else " " * 11
        self._console.print(f"  [dim]{took}[/]  {what}", highlight=False, soft_wrap=True)

    async def step(self, number: str, name: str, tell: Callable[[], Awaitable[str]]) -> None:
        """One step; a fault ends the step, not the scenario."""
        self._console.print(f"\n[bold]({number}) {name}[/]", highlight=False)
        began = time.perf_counter()
        try:
            detail, ok = await tell(), True
        except (ScenarioError, SafeconductError, TimeoutError, KeyError) as fault:
            detail, ok = f"{type(fault).__name__}: {fault}", False
        ms = (time.perf_counter() - began) * 1e3
        self.steps.append(Step(number, name, ok, round(ms, 1), detail))
        mark = "[green]held[/]" if ok else "[red]failed[/]"
        self._console.print(f"  {ms:8.1f} ms  {mark}: {detail}", highlight=False, soft_wrap=True)


async def run_scenario(stack: Stack, console: Console, pause_s: float = 0.0) -> dict[str, object]:
    """Tells the scenario, with a pause between happenings; gives the record for `build/demo.json`."""
    examples, key = read_examples(stack.root)
    teller = StepRecorder(console)
    async with AsyncExitStack() as undo:
        clients = await open_clients(stack, key, undo)
        scenario = Scenario(clients, examples, teller.happening, lambda: asyncio.sleep(pause_s))
        await teller.step("a", "a hospital abroad, hosted access", scenario.approve_by_policy)
        await teller.step(
            "b", "an end user on the Entity List, under an alias", scenario.deny_listed_party
        )
        await teller.step(
            "c", "a fine-tuning service that policy refers", scenario.approve_by_officers
        )
        await teller.step("d", "military surveillance under (a)'s license", scenario.revoke_license)
        await teller.step(
            "f", "an innocent institute with a similar name", scenario.clear_false_hits
        )
        content = await asyncio.to_thread(updated_list, examples)
        listed = partial(
            scenario.suspend_after_list_update, content, f"{datetime.now(UTC):%Y-%m-%d}"
        )
        await teller.step("g", "a new list version names a party of (c)'s license", listed)
        traces: list[str] = []

        async def traced() -> str:
            traces.extend(
                await _trace_ids(
                    clients.partner, scenario.applications["a"], scenario.licenses["a"]
                )
            )
            return await _traced(stack, scenario.applications["a"], traces, console)

        await teller.step("e", "the trace of (a) over all three services", traced)
        await teller.step(
            "h",
            "every chain of every service, and what was published",
            lambda: _audited(stack, console),
        )
    return {
        "ok": all(step.ok for step in teller.steps),
        "steps": [asdict(step) for step in teller.steps],
        "propagation_ms": round(scenario.propagation_ms, 1),
        "list_update_ms": round(scenario.list_update_ms, 1),
        "trace_id": traces[0] if traces else "",
    }


async def _trace_ids(partner: Client, application_id: str, license_id: str) -> list[str]:
    """Every trace of the application and of its license, in order of time."""
    application = (await partner.applications.timeline(application_id)).entries
    standing = (await partner.standing.timeline(license_id)).entries
    steps = [(entry.occurred_at.ToNanoseconds(), entry.trace_id) for entry in application]
    steps += [(entry.occurred_at.ToNanoseconds(), entry.trace_id) for entry in standing]
    return list(dict.fromkeys(trace_id for _, trace_id in sorted(steps)))


async def _traced(stack: Stack, application_id: str, trace_ids: list[str], console: Console) -> str:
    """Waits until every span has come in, and shows the tree as the `safeconduct` command does."""
    whole = await _complete(stack, trace_ids)
    command = [sys.executable, "-m", "safeconduct.cli", "trace", application_id]
    environ = {**os.environ, **stack.client_env("officer/licensing-1")}
    shown = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    console.print(shown.stdout, highlight=False, markup=False, soft_wrap=True)
    if shown.returncode:
        raise ScenarioError(f"`safeconduct trace` exits {shown.returncode}: {shown.stderr.strip()}")
    services = ", ".join(sorted(whole.services))
    if not whole.is_whole or len(whole.services) != 3:
        raise ScenarioError(
            f"{len(whole.spans)} spans of {services} in {whole.parts} parts, {whole.orphans} orphans"
        )
    link = stack.trace_url_template.format(trace_id=trace_ids[0])
    return f"{len(whole.spans)} spans of {services} are one connected graph: {link}"


async def _audited(stack: Stack, console: Console) -> str:
    """Walks every chain as an operator does, and compares it with what was published."""
    command = [sys.executable, "-m", "safeconduct.cli", "audit", "verify"]
    environ = {**os.environ, **stack.operator_env("officer/licensing-1")}
    shown = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    console.print(shown.stdout, highlight=False, markup=False, soft_wrap=True)
    if shown.returncode:
        raise ScenarioError(
            f"`safeconduct audit verify` exits {shown.returncode}: {shown.stderr.strip()}"
        )
    return shown.stdout.splitlines()[-1]


async def _complete(stack: Stack, trace_ids: list[str]) -> TraceGraph:
    """The episode once every trace has come in and nothing more has come for a second, or as it is after a while."""
    give_up, quiet_since, seen = time.monotonic() + SPANS_S, time.monotonic(), 0
    while True:
        whole = trace_graph(stack.spans.store, trace_ids)
        if len(whole.spans) != seen:
            seen, quiet_since = len(whole.spans), time.monotonic()
        is_here = whole.is_whole and all(stack.spans.store.trace(each) for each in trace_ids)
        if time.monotonic() > give_up or (is_here and time.monotonic() - quiet_since > 1):
            return whole
        await asyncio.sleep(0.1)


def main(
    root: Annotated[Path, typer.Option(help="Where the stack keeps its files.")] = CHECKOUT
    / "build"
    / "demo",
    viewer: Annotated[
        bool, typer.Option(help="Start the trace viewer, so that the trace's link opens.")
    ] = True,
    pause: Annotated[
        float, typer.Option(help="Seconds between happenings, to stop services by hand meanwhile.")
    ] = 0.0,
    keep: Annotated[
        bool, typer.Option(help="Leave the stack's files when everything held.")
    ] = False,
) -> None:
    """The whole scenario on a stack of its own; writes build/demo.json.

    Example: python -m infra.scenario.demo --no-viewer
    """
    console = Console()
    record_file = CHECKOUT / "build" / "demo.json"
    record_file.unlink(missing_ok=True)
    # Yesterday's data would make a longer scenario.
    shutil.rmtree(root, ignore_errors=True)

    def progress(name: str, seconds: float | None) -> None:
        if seconds is not None:
            console.print(f"  [dim]{seconds * 1e3:8.0f} ms[/]  {name}", highlight=False)

    console.print("[bold]a stack of its own[/]")
    with Stack(root, viewer=viewer, progress=progress) as stack:
        record = asyncio.run(run_scenario(stack, console, pause))
        console.print()
    record_file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    console.print(
        f"{'every step held' if record['ok'] else 'not every step held'}: {record_file.relative_to(CHECKOUT)}"
    )
    if record["ok"] and not keep:
        shutil.rmtree(root, ignore_errors=True)
    raise typer.Exit(0 if record["ok"] else 1)


if __name__ == "__main__":
    typer.run(main)
