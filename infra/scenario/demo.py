"""`make demo`: runs the main scenario on a temporary stack and writes `build/demo.json`.

The exit code is 0 if every step succeeded. All processes are stopped at the end.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from safeconduct.client import SafeconductError

from infra.cache import CHECKOUT
from infra.downloads import trace_viewer
from infra.local.stack import Stack
from infra.progress import Progress
from infra.scenario.actions import ScenarioError
from infra.scenario.clients import open_clients
from infra.scenario.demo_checks import check_audit, check_trace, trace_ids_of
from infra.scenario.examples import read_examples
from infra.scenario.list_update import updated_list
from infra.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Step:
    """The result of a step."""

    id: str
    name: str
    ok: bool
    ms: float
    detail: str


class StepRecorder:
    """Prints the events of the scenario and records the results of the steps.

    `began` is the Unix time at which the command began.
    """

    def __init__(self, console: Console, began: float) -> None:
        self._console = console
        self._began = began
        self.first_submission_s = 0.0
        """Seconds from the beginning of the command to the first submitted application."""
        self.steps: list[Step] = []

    def event(self, text: str, ms: float) -> None:
        """Prints one event and, unless it is 0, its duration."""
        duration = f"{ms:8.1f} ms" if ms else " " * 11
        self._console.print(f"  [dim]{duration}[/]  {text}", highlight=False, soft_wrap=True)
        if not self.first_submission_s:
            # The first event of the scenario is the submission of the first application.
            self.first_submission_s = round(time.time() - self._began, 1)
            self._console.print(
                f"[bold]first application submitted after {self.first_submission_s} s[/]",
                highlight=False,
            )

    async def step(self, number: str, name: str, run: Callable[[], Awaitable[str]]) -> None:
        """Runs one step. If it fails, the failure is recorded and the next step follows."""
        self._console.print(f"\n[bold]({number}) {name}[/]", highlight=False)
        began = time.perf_counter()
        try:
            detail, ok = await run(), True
        except (ScenarioError, SafeconductError, TimeoutError, KeyError) as error:
            detail, ok = f"{type(error).__name__}: {error}", False
        ms = (time.perf_counter() - began) * 1e3
        self.steps.append(Step(number, name, ok, round(ms, 1), detail))
        mark = "[green]ok[/]" if ok else "[red]failed[/]"
        self._console.print(f"  {ms:8.1f} ms  {mark}: {detail}", highlight=False, soft_wrap=True)


async def run_scenario(
    stack: Stack, console: Console, began: float, pause_s: float = 0.0
) -> dict[str, object]:
    """Runs all steps, with a pause after each action; returns the content of `build/demo.json`."""
    examples, key = read_examples(stack.root)
    recorder = StepRecorder(console, began)
    async with AsyncExitStack() as exit_stack:
        clients = await open_clients(stack, key, exit_stack)
        scenario = Scenario(clients, examples, recorder.event, lambda: asyncio.sleep(pause_s))
        await recorder.step("a", "a hospital abroad, hosted access", scenario.approve_by_policy)
        await recorder.step(
            "b", "an end user on the Entity List, under an alias", scenario.deny_listed_party
        )
        await recorder.step(
            "c", "a fine-tuning service that policy refers", scenario.approve_by_officers
        )
        await recorder.step(
            "d", "military surveillance under (a)'s license", scenario.revoke_license
        )
        await recorder.step(
            "f", "an innocent institute with a similar name", scenario.clear_false_hits
        )
        content = await asyncio.to_thread(updated_list, examples)
        update = partial(
            scenario.suspend_after_list_update, content, f"{datetime.now(UTC):%Y-%m-%d}"
        )
        await recorder.step("g", "a new list version names a party of (c)'s license", update)
        trace_ids: list[str] = []

        async def trace() -> str:
            application_id = scenario.applications["a"]
            trace_ids.extend(
                await trace_ids_of(clients.partner, application_id, scenario.licenses["a"])
            )
            return await check_trace(stack, application_id, trace_ids, console)

        await recorder.step("e", "the trace of (a) over all three services", trace)
        audit = partial(check_audit, stack, console)
        await recorder.step("h", "the audit log of every service", audit)
    return {
        "ok": all(step.ok for step in recorder.steps),
        "steps": [asdict(step) for step in recorder.steps],
        "first_submission_s": recorder.first_submission_s,
        "propagation_ms": round(scenario.propagation_ms, 1),
        "list_update_ms": round(scenario.list_update_ms, 1),
        "trace_id": trace_ids[0] if trace_ids else "",
    }


def main(
    root: Annotated[Path, typer.Option(help="Folder of the stack's files.")] = CHECKOUT
    / "build"
    / "demo",
    viewer: Annotated[
        bool, typer.Option(help="Start the trace viewer, if it has been downloaded.")
    ] = True,
    pause: Annotated[
        float, typer.Option(help="Seconds after each action, for example to stop services.")
    ] = 0.0,
    keep: Annotated[
        bool, typer.Option(help="Keep the stack's files after a success, too.")
    ] = False,
    began: Annotated[
        float, typer.Option(help="Unix time at which `make demo` began, set-up included.")
    ] = 0.0,
) -> None:
    """Run the main scenario on a temporary stack; writes build/demo.json.

    Example: python -m infra.scenario.demo --no-viewer
    """
    began = began or time.time()
    console = Console()
    record_file = CHECKOUT / "build" / "demo.json"
    record_file.unlink(missing_ok=True)
    # Data of an earlier run would add steps to the timelines that are printed.
    shutil.rmtree(root, ignore_errors=True)
    # The first run does not wait for the viewer, whose download may take longer than all the rest.
    viewer = viewer and trace_viewer.is_downloaded()
    with Stack(root, viewer=viewer, progress=Progress()) as stack:
        record = asyncio.run(run_scenario(stack, console, began, pause))
        console.print()
    record_file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    console.print(
        f"{'every step succeeded' if record['ok'] else 'a step failed'}:"
        f" {record_file.relative_to(CHECKOUT)}"
    )
    if record["ok"] and not keep:
        shutil.rmtree(root, ignore_errors=True)
    raise typer.Exit(0 if record["ok"] else 1)


if __name__ == "__main__":
    typer.run(main)
