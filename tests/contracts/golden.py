"""Bytes of every event as they were once written, kept for ever: what is stored must always be read.

`python -m tests.contracts.golden` adds what today's events look like where that is new. It never changes what is there:
an entry that no longer decodes is a broken promise, not an old file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from tests.contracts.samples import Carried, carried

FILE = Path(__file__).with_name("golden") / "events.json"


@dataclass(frozen=True)
class Entry:
    """An event as it was written: its full name, its bytes, and what they say."""

    type: str
    bytes: str
    says: Any


def entries() -> Sequence[Entry]:
    """Everything that is kept, oldest first."""
    return (
        [Entry(**entry) for entry in json.loads(FILE.read_text(encoding="utf-8"))]
        if FILE.exists()
        else []
    )


def said(kind: Carried, payload: bytes) -> Any:
    """What the bytes say, as plain values under the contract's names."""
    return MessageToDict(kind.message.FromString(payload), preserving_proto_field_name=True)


def new() -> Sequence[Entry]:
    """What today's events look like where no entry has them so."""
    kept = {(entry.type, entry.bytes) for entry in entries()}
    today = {name: (kind, kind.encode()) for name, kind in carried().items()}
    return [
        Entry(name, payload.hex(), said(kind, payload))
        for name, (kind, payload) in today.items()
        if (name, payload.hex()) not in kept
    ]


if __name__ == "__main__":
    added = new()
    text = json.dumps(
        [asdict(entry) for entry in [*entries(), *added]], indent=1, ensure_ascii=False
    )
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"added {len(added)}:", *(entry.type for entry in added), sep="\n  ")
