from __future__ import annotations

import struct
from typing import Any

import asyncpg
import pytest

from chassis.store.storage_faults import is_storage_fault
from infra.local.postgres import Database


@pytest.mark.parametrize(
    "exception",
    [
        OSError("Multiple exceptions"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("too many"),
        asyncpg.ReadOnlySQLTransactionError("moved"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.InternalClientError('cannot switch to state 12; protocol is in the "failed" state'),
        asyncpg.InternalClientError(
            "cannot switch to state 12; another operation (2) is in progress"
        ),
    ],
)
def test_a_database_that_is_away_or_busy_is_a_storage_fault(exception: Any) -> None:
    assert is_storage_fault(exception)


async def test_a_session_that_the_server_is_ending_is_a_storage_fault_before_its_connection_is_lost(
    database: Database,
) -> None:
    fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    connection = await asyncpg.connect(database.app_dsn)
    try:
        connection._protocol.data_received(b"E" + struct.pack(">i", 4 + len(fields)) + fields)
        with pytest.raises(asyncpg.InternalClientError) as raised:
            await connection.fetchval("select 1")
    finally:
        connection.terminate()

    assert is_storage_fault(raised.value)


@pytest.mark.parametrize(
    "exception",
    [
        FileNotFoundError(2, "No such file", "/etc/policy.yaml"),
        asyncpg.PostgresSyntaxError("syntax"),
        asyncpg.CheckViolationError("check"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InternalClientError("unexpected data"),
        asyncpg.DataError("invalid input"),
        ValueError("closed"),
        ExceptionGroup("mixed", [ConnectionResetError(), ValueError()]),
    ],
)
def test_a_defect_of_ours_is_no_storage_fault(exception: Any) -> None:
    assert not is_storage_fault(exception)
