"""Callers notice nothing of a rolling restart: no failed call, lost watch or gate without lease."""

from __future__ import annotations

from pathlib import Path

import pytest

from .rolling_restart import Counts, restart_in_turn, rolling_stack


@pytest.fixture(scope="module")
async def counts(run_folder: Path) -> Counts:
    with rolling_stack(run_folder / "rolling", lease_seconds=20) as stack:
        return await restart_in_turn(stack, rate=5, gates=200)


async def test_a_rolling_restart_under_load_fails_no_call_of_the_client(counts: Counts) -> None:
    assert counts.failed_calls == []
    assert counts.decided == counts.submitted > 0


async def test_a_rolling_restart_under_load_loses_no_watch(counts: Counts) -> None:
    assert counts.lost_watches == []
    assert counts.watches > 10


async def test_a_rolling_restart_under_load_leaves_no_gate_without_a_lease(counts: Counts) -> None:
    assert counts.denials == {}
    assert counts.licenses_unknown_to_gates == 0
    assert counts.gate_checks >= counts.gates == 200


async def test_every_replica_of_a_rolling_restart_ends_in_order(counts: Counts) -> None:
    assert counts.exit_codes == [0] * 6
