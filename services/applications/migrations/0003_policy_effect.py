"""Renames the field `way` of a stored policy outcome to `effect`. No event changes.

The state rows are read and written one by one, because MessagePack cannot be changed in SQL. On a
database with a million applications this takes minutes; run it while the service is stopped.
"""

from __future__ import annotations

from typing import Any

import msgspec
from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Rewrites the state rows that hold a policy outcome."""
    connection = op.get_bind()
    update = text("update stream set state_data = :state where id = :id")
    for stream_id, state_data in connection.execute(text("select id, state_data from stream")):
        renamed = with_effect(bytes(state_data))
        if renamed is not None:
            connection.execute(update, {"id": stream_id, "state": renamed})


def with_effect(state_data: bytes) -> bytes | None:
    """Returns the stored state with the new field name, or None if it has no policy outcome."""
    state: Any = msgspec.msgpack.decode(state_data)
    decision = state.get("decision") or {}
    outcomes = [each for each in (state.get("policy"), decision.get("policy")) if each]
    if not any("way" in outcome for outcome in outcomes):
        return None
    for outcome in outcomes:
        outcome["effect"] = outcome.pop("way")
    return msgspec.msgpack.encode(state)
