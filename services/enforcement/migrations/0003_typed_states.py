"""Rewrites the stored states of licenses: ids of proposals, and causes of standings as values.

Findings and reinstatements of earlier releases have no id, and their standings name the cause in a
text. The events stay as they were stored; `shell/earlier_releases.py` completes them when they are
read, and gives the same ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from alembic import op
from sqlalchemy import text

from services.enforcement.shell.earlier_releases import derived_id

revision = "0003"
down_revision = "0002"

BATCH: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """Rewrites the states that an earlier release has stored, in one transaction."""
    connection, last = op.get_bind(), UUID(int=0)
    while True:
        rows = connection.execute(
            text(
                "select id, state_data from stream where id > :last order by id limit :batch"
                " for update"
            ),
            {"last": last, "batch": BATCH},
        ).all()
        for row in rows:
            state = rewritten(bytes(row.state_data))
            if state is not None:
                connection.execute(
                    text("update stream set state_data = :state where id = :id"),
                    {"state": state, "id": row.id},
                )
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def rewritten(state_data: bytes) -> bytes | None:
    """Returns the state in today's form, or None if it has that form already."""
    state: dict[str, Any] = msgspec.msgpack.decode(state_data)
    if "is_stopped_by_list" not in state:
        return None
    state["is_suspended_by_list"] = state.pop("is_stopped_by_list")
    standing = state["standing"]
    standing["cause"] = _cause(standing.pop("reason"))
    for violation in state["violations"]:
        finding = violation["finding"]
        if finding is not None:
            finding["finding_id"] = _id(violation["violation_id"], "finding", finding["found_by"])
    act = state["reinstatement"]
    if act is not None:
        state["reinstatement"] = {
            "reinstatement_id": _id(state["license_id"], "reinstatement", act),
            "proposed_by": act,
        }
    return msgspec.msgpack.encode(state)


def _cause(reason: str) -> dict[str, Any] | None:
    if not reason:
        return None
    if reason == "LIST_MATCH":
        return {"measure_kind": None, "clause": None, "is_list_match": True}
    kind, _, clause = reason.partition(":")
    return {"measure_kind": kind, "clause": clause, "is_list_match": False}


def _id(parent_id: str, kind: str, act: Mapping[str, Any]) -> str:
    micros = (act["acted_at"] - _EPOCH) // timedelta(microseconds=1)
    return str(derived_id(UUID(parent_id), kind, act["officer_id"], micros))
