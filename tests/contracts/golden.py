"""Golden events: bytes of every event as each release wrote them, which must be readable for ever.

`python -m tests.contracts.golden` adds an entry for each event whose bytes are new. It never
changes an entry: stored events do not change either, so an entry that fails to decode is a defect.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from tests.contracts.samples import EventCodec, event_codecs

FILE = Path(__file__).with_name("golden") / "events.json"


@dataclass(frozen=True)
class Entry:
    """One golden event: full name, bytes in hexadecimal, and the content as JSON (`says`)."""

    type: str
    bytes: str
    says: Any


def entries() -> Sequence[Entry]:
    """Returns all golden events, oldest first."""
    return (
        [Entry(**entry) for entry in json.loads(FILE.read_text(encoding="utf-8"))]
        if FILE.exists()
        else []
    )


def content(codec: EventCodec, payload: bytes) -> Any:
    """Returns the content of the bytes as JSON with the field names of the contract."""
    return MessageToDict(codec.message.FromString(payload), preserving_proto_field_name=True)


def new() -> Sequence[Entry]:
    """Returns an entry for each event of this release whose bytes are not kept yet."""
    kept = {(entry.type, entry.bytes) for entry in entries()}
    today = {name: (codec, codec.encode()) for name, codec in event_codecs().items()}
    return [
        Entry(name, payload.hex(), content(codec, payload))
        for name, (codec, payload) in today.items()
        if (name, payload.hex()) not in kept
    ]


if __name__ == "__main__":
    added = new()
    text = json.dumps(
        [asdict(entry) for entry in [*entries(), *added]], indent=1, ensure_ascii=False
    )
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"added {len(added)}:", *(entry.type for entry in added), sep="\n  ")
