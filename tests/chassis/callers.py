"""Sets the caller in tests that run a servicer's method without a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chassis.rpc import authentication
from chassis.rpc.authentication import Principal


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Makes the principal the caller inside the block."""
    token = authentication._current.set(principal)
    try:
        yield
    finally:
        authentication._current.reset(token)
