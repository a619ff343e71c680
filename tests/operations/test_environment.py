"""Renamed variables of the operators' commands."""

from __future__ import annotations

from tests.operations.conftest import safeconduct

OLD, NEW = "SAFECONDUCT_KAFKA_BOOTSTRAP", "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"


async def test_the_old_name_of_the_brokers_variable_is_read_with_a_warning() -> None:
    ran = await safeconduct({OLD: "127.0.0.1:1"}, "dlq", "list")

    assert "127.0.0.1" in ran.err
    assert f"warning: {OLD} is now called {NEW}" in ran.err


async def test_different_values_under_both_names_are_an_error_that_names_both() -> None:
    ran = await safeconduct({OLD: "127.0.0.1:1", NEW: "127.0.0.1:2"}, "dlq", "list")

    assert ran.code == 2
    assert OLD in ran.err.replace(NEW, "")
    assert NEW in ran.err
