"""Recognises errors which mean that PostgreSQL is away or busy, so that a repeat may succeed."""

from __future__ import annotations

import ssl
from typing import Final

import asyncpg

# Classes of SQLSTATE (PostgreSQL manual, appendix A) that concern the server and not our statement.
_CLASSES: Final = frozenset({"08", "28", "3D", "40", "53", "57", "58"})
# read_only_sql_transaction: the primary has moved. lock_not_available: a lock timeout.
_STATES: Final = frozenset({"25006", "55P03"})
_CONNECTION_WORDS: Final = ("closed", "closing", "terminated", "released")


def is_storage_fault(exception: BaseException) -> bool:
    """Returns whether the database is away or busy, so that the same call may succeed later.

    A statement that PostgreSQL understood and rejected is no such fault: it is a defect of ours.
    A group is one if all its members are.
    """
    match exception:
        case BaseExceptionGroup(exceptions=inner):
            return all(is_storage_fault(each) for each in inner)
        case asyncpg.PostgresError():
            state = exception.sqlstate or ""
            return state[:2] in _CLASSES or state in _STATES
        case asyncpg.InterfaceError():
            return any(word in str(exception) for word in _CONNECTION_WORDS)
        case asyncpg.TargetServerAttributeNotMatched():
            return True
        case asyncpg.InternalClientError():
            # The server ended the session, and asyncpg has not yet noticed the lost connection. Two
            # users of one connection, which is a defect of ours, are an InterfaceError.
            return str(exception).startswith("cannot switch to")
        case OSError():
            # ConnectionError, TimeoutError, gaierror. An error that names a file is not the
            # database.
            return exception.filename is None
        case _:
            return False


def refusal_of(exception: BaseException) -> str | None:
    """Returns why the database that answers will never accept us with these settings, or None."""
    match exception:
        case asyncpg.InvalidPasswordError():
            return "the database refuses the user or the password (28P01)"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "the database refuses the user, this host, or a connection without TLS (28000)"
        case asyncpg.InvalidCatalogNameError():
            return "the server has no database of this name (3D000)"
        case ssl.SSLCertVerificationError():
            return f"the server's certificate is not accepted: {exception.verify_message}"
        case ssl.SSLError():
            return f"the TLS handshake with the server fails ({exception.reason})"
        case _:
            return None
