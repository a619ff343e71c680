"""Which database this is, and whether it may have lost commits.

A failover to a standby begins a new timeline, another base has another system identifier, and a
base that was restored in place continues at an older position of its log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from chassis.store.journal import Journal

_QUERY: Final = """
select (select system_identifier from pg_control_system()) as system_identifier,
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline,
       pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as log_position
"""


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """The base, its timeline (8 hexadecimal digits), and the end of its log in bytes."""

    system_identifier: int
    timeline: str
    log_position: int

    @property
    def name(self) -> str:
        """Returns the same text as long as no failover and no restore happened."""
        return f"{self.system_identifier}/{self.timeline}"

    def continues(self, before: DatabaseIdentity) -> bool:
        """Returns whether everything that was committed `before` is certainly still there."""
        return self.name == before.name and self.log_position >= before.log_position


async def read_identity(journal: Journal[Any, Any]) -> DatabaseIdentity:
    """Returns the identity of the journal's database. Raises RpcError STORAGE_UNAVAILABLE."""
    (row,) = await journal.fetch(_QUERY)
    return DatabaseIdentity(row["system_identifier"], row["timeline"], row["log_position"])
