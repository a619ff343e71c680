"""The two checks at the end of the demo: the traces are connected, and the audit log is intact."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Final

from rich.console import Console
from safeconduct.client import Client

from infra.local.stack import SERVICES, Stack
from infra.scenario.actions import ScenarioError
from infra.scenario.trace_graph import TraceGraph, trace_graph

SPANS_S: Final = 30.0
"""The time limit for spans that services still export."""
_COMMAND_S: Final = 60.0
_OPERATOR: Final = "officer/licensing-1"


async def trace_ids_of(partner: Client, application_id: str, license_id: str) -> list[str]:
    """Returns the traces of an application and of its license, in order of time."""
    application = (await partner.applications.timeline(application_id)).entries
    standing = (await partner.standing.timeline(license_id)).entries
    steps = [(entry.occurred_at.ToNanoseconds(), entry.trace_id) for entry in application]
    steps += [(entry.occurred_at.ToNanoseconds(), entry.trace_id) for entry in standing]
    return list(dict.fromkeys(trace_id for _, trace_id in sorted(steps)))


async def check_trace(
    stack: Stack, application_id: str, trace_ids: list[str], console: Console
) -> str:
    """Prints the traces as `safeconduct trace` does.

    Raises ScenarioError unless they are one connected graph over all services.
    """
    graph = await _complete_graph(stack, trace_ids)
    env = stack.client_env(_OPERATOR)
    console.print(
        await _safeconduct(env, "trace", application_id),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    services = ", ".join(sorted(graph.services))
    if not graph.is_whole or len(graph.services) != len(SERVICES):
        raise ScenarioError(
            f"{len(graph.spans)} spans of {services} in {graph.parts} parts,"
            f" {graph.orphans} without their parent"
        )
    link = stack.trace_url_template.format(trace_id=trace_ids[0])
    return f"{len(graph.spans)} spans of {services} are one connected graph: {link}"


async def check_audit(stack: Stack, console: Console) -> str:
    """Prints the result of `safeconduct audit verify` and returns its last line.

    Raises ScenarioError if it fails.
    """
    output = await _safeconduct(stack.operator_env(_OPERATOR), "audit", "verify")
    console.print(output, highlight=False, markup=False, soft_wrap=True)
    return output.rstrip().splitlines()[-1]


async def _safeconduct(env: Mapping[str, str], *arguments: str) -> str:
    """Returns the output of a `safeconduct` command; ScenarioError if it fails."""
    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "safeconduct.cli", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )
    if result.returncode:
        raise ScenarioError(
            f"`safeconduct {' '.join(arguments)}` exits with {result.returncode}:"
            f" {result.stdout.strip()} {result.stderr.strip()}"
        )
    return result.stdout


async def _complete_graph(stack: Stack, trace_ids: list[str]) -> TraceGraph:
    """Returns the graph when it is whole and no span has arrived for a second.

    After SPANS_S the graph is returned as it is.
    """
    deadline, quiet_since, seen = time.monotonic() + SPANS_S, time.monotonic(), 0
    while True:
        graph = trace_graph(stack.spans.store, trace_ids)
        if len(graph.spans) != seen:
            seen, quiet_since = len(graph.spans), time.monotonic()
        is_complete = graph.is_whole and all(stack.spans.store.trace(each) for each in trace_ids)
        if time.monotonic() > deadline or (is_complete and time.monotonic() - quiet_since > 1):
            return graph
        await asyncio.sleep(0.1)
