"""Which benchmarks there are, in the order in which they run: each leaves the stack as the next one wants it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tests.bench.carried import events_per_core
from tests.bench.decisions import decisions
from tests.bench.figure import Figure
from tests.bench.revocation import check, order_to_gates
from tests.bench.room import Room
from tests.bench.screened import screening
from tests.bench.stored import cost_with_many_stored
from tests.bench.submit import cost_of_a_submission, cost_of_tracing

ALONE: Final = frozenset({"submit", "tracing"})
"""Those that run on a stack of applications alone."""

# The last one fills a database.
BENCHES: Final[Mapping[str, Callable[[Room], Awaitable[list[Figure]]]]] = {
    "submit": cost_of_a_submission,
    "tracing": cost_of_tracing,
    "decisions": decisions,
    "revocation": order_to_gates,
    "gate": check,
    "screening": screening,
    "carried": events_per_core,
    "stored": cost_with_many_stored,
}
