"""The benchmarks in the order in which they run; each leaves the stack usable for the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tests.bench.bench_stack import BenchStack
from tests.bench.decisions import decisions
from tests.bench.enforcement_start import start_after_many_licenses
from tests.bench.poison import beside_a_poison_record
from tests.bench.relay_and_consumer import events_per_core
from tests.bench.result import Result
from tests.bench.revocation import check, order_to_gates
from tests.bench.screening_rpc import screening
from tests.bench.stored_applications import cost_with_many_stored
from tests.bench.submit import cost_of_a_submission, cost_of_tracing

ALONE: Final = frozenset({"submit", "tracing"})
"""Benchmarks that run on a stack with applications alone."""

# The last ones fill databases, so nothing else may follow them.
BENCHES: Final[Mapping[str, Callable[[BenchStack], Awaitable[list[Result]]]]] = {
    "submit": cost_of_a_submission,
    "tracing": cost_of_tracing,
    "decisions": decisions,
    "revocation": order_to_gates,
    "gate": check,
    "screening": screening,
    "streams": events_per_core,
    "poison": beside_a_poison_record,
    "stored": cost_with_many_stored,
    "start": start_after_many_licenses,
}
