"""Time from an order until the first, the median and the last gate deny; cost of a gate check."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import time
from collections.abc import Callable
from typing import Final

from safeconduct.client import Client
from safeconduct.enforcement.v1 import model_pb2
from safeconduct.gate import Gate

from tests.bench.bench_stack import GATE, PATIENCE_S, BenchStack
from tests.bench.child_processes import HANG_S, Child, child
from tests.bench.cpu import busy, spent_by
from tests.bench.result import Result, Target

_EVIDENCE: Final = hashlib.sha256(
    b"telemetry window with the pattern of military surveillance"
).digest()
_WHY: Final = "critical clause, credible evidence"
_REVOKE: Final = model_pb2.MEASURE_KIND_REVOCATION


async def order_to_gates(stack_under_test: BenchStack) -> list[Result]:
    """Revokes one license each round; the time starts when the second officer sends the order."""
    await stack_under_test.everything()
    rounds, gates = stack_under_test.pick(20, 2), stack_under_test.pick(1_000, 20)
    licenses = [await stack_under_test.license() for _ in range(rounds + 1)]
    async with child(
        "gate_process", {"count": gates}, stack_under_test.stack.client_env(GATE)
    ) as crowd:
        stack_under_test.report(f"{gates} gates follow")
        await _round(stack_under_test, crowd, licenses[0])
        with spent_by(
            {**stack_under_test.parts("enforcement"), "gates": lambda: crowd.pid}
        ) as spent:
            found = [
                await _round(stack_under_test, crowd, license_id) for license_id in licenses[1:]
            ]
    stack_under_test.report(
        f"last gate per round: {', '.join(f'{last:.0f}' for _, _, last in found)} ms"
    )
    how = (
        f"{gates} streams in one client process that spent"
        f" {spent['gates'] / rounds * 1e3:.0f} ms CPU per round, "
        f"enforcement {spent['enforcement'] / rounds * 1e3:.0f} ms; {rounds} rounds; from"
        f" sending the order; {busy()}"
    )
    firsts, medians, lasts = zip(*found, strict=True)
    base = statistics.median(firsts)
    return [
        Result("order to the first gate denying, p50", base, "ms", None, how),
        Result(
            "order to the median gate, p50",
            statistics.median(medians),
            "ms",
            base,
            f"baseline: first gate; {how}",
        ),
        Result(
            "order to the last gate, p50",
            statistics.median(lasts),
            "ms",
            base,
            f"baseline: first gate; {how}",
        ),
        Result(
            "order to the last gate, p99",
            _p99(lasts),
            "ms",
            _p99(firsts),
            (
                f"baseline: p99 of the first gate; with {rounds} rounds the p99 is"
                f" the longest one; {how}"
            ),
            Target(500),
        ),
    ]


async def _round(
    stack_under_test: BenchStack, crowd: Child, license_id: str
) -> tuple[float, float, float]:
    """Returns milliseconds until the first, the median and the last gate denied."""
    first, second = (
        await stack_under_test.client("officer/enforcement-1"),
        await stack_under_test.client("officer/enforcement-2"),
    )
    case = await _case(stack_under_test, license_id, first, second)
    proposed = await first.violations.propose_measure(
        case, kind=_REVOKE, rationale=_WHY, etag=await _etag(first, case)
    )
    await crowd.ask(license_id)
    ordered_at = time.monotonic_ns()
    await second.violations.confirm_measure(
        case, proposed.measures[-1].measure_id, rationale=_WHY, etag=proposed.etag
    )
    denied = [(at - ordered_at) / 1e6 for at in await crowd.receive()]
    return denied[0], statistics.median(denied), denied[-1]


async def _case(
    stack_under_test: BenchStack, license_id: str, first: Client, second: Client
) -> str:
    """Returns a case with a confirmed finding."""
    telemetry = await stack_under_test.client(GATE)
    report = await telemetry.conduct.report(
        license_id,
        clause=model_pb2.CLAUSE_MILITARY_SURVEILLANCE,
        reporter_kind=model_pb2.REPORTER_KIND_DEVELOPER_TELEMETRY,
        evidence_digests=[_EVIDENCE],
    )
    rationale = "the evidence shows the pattern"
    proposed = await first.violations.propose_finding(
        report.violation_id,
        is_violation=True,
        severity=model_pb2.SEVERITY_CRITICAL,
        rationale=rationale,
        etag=await _etag(first, report.violation_id),
    )
    await second.violations.confirm_finding(
        report.violation_id, proposed.finding.finding_id, rationale=rationale, etag=proposed.etag
    )
    return report.violation_id


async def _etag(officer: Client, case: str) -> str:
    return (await officer.violations.get(case)).violation.etag


def _p99(values: tuple[float, ...]) -> float:
    """Returns the p99; with fewer than a hundred values, the maximum."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


async def check(stack_under_test: BenchStack) -> list[Result]:
    """Measures `Gate.check` of a real gate against a function that returns a constant."""
    await stack_under_test.everything()
    license_id = await stack_under_test.license()
    async with Gate(
        stack_under_test.stack.addresses("enforcement"), stack_under_test.credentials(GATE)
    ) as gate:
        await gate.ready(PATIENCE_S)

        def ask() -> bool:
            return gate.check(
                license_id, "example-frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE"
            ).allowed

        def ready_answer() -> bool:
            return True

        async with asyncio.timeout(HANG_S):
            while not ask():  # noqa: ASYNC110 - a user's program polls the gate as well
                await asyncio.sleep(0.01)
        count, rounds = stack_under_test.pick(20_000, 200), stack_under_test.pick(9, 2)
        took = [(_each(ask, count), _each(ready_answer, count)) for _ in range(rounds)]
    checks, nothing = (statistics.median(values) for values in zip(*took, strict=True))
    how = f"median of {rounds} rounds of {count} calls in turn, CPU of the calling thread; {busy()}"
    return [
        Result(
            "gate check",
            checks,
            "µs",
            nothing,
            f"baseline: calling a function that returns; {how}",
            Target(10),
        )
    ]


def _each(act: Callable[[], bool], count: int) -> float:
    began = time.thread_time_ns()
    for _ in range(count):
        act()
    return (time.thread_time_ns() - began) / count / 1e3
