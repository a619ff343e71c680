"""A replica stores what belongs to its start as soon as the database answers."""

from __future__ import annotations

import pytest

from chassis.rpc.errors import CommonReason, unavailable
from services.applications.shell import startup
from services.applications.shell.startup import run_at_start


async def test_a_start_waits_for_the_database_and_keeps_the_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(startup, "RETRY_S", 0)
    called: list[str] = []

    async def first() -> None:
        called.append("first")
        if len(called) < 3:
            raise unavailable(CommonReason.STORAGE_UNAVAILABLE, "it does not answer", 1.0)

    async def second() -> None:
        called.append("second")

    await run_at_start(first, second)

    assert called == ["first", "first", "first", "second"]
