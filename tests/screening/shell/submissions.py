"""Builders for tests of the shell: submitted applications and a shortened list."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid4

from safeconduct.applications.v1 import events_pb2, model_pb2

from chassis.streams.envelope import Envelope
from services.screening.core.lists.parsed_list import decoded
from services.screening.shell.list_sources import ListSource, read_manifest

MANIFEST = Path(__file__).parents[3] / "services/screening/lists/shipped.yaml"
LISTED = "140 Repair Plant JSC"
LISTED_ALIAS = "Open Joint Stock Company 140 Repair Plant"
LISTED_ENTRY = "EL-4398d33e9e93c7477af39f1e0bfffc13ddd47bcc"
UNLISTED = "Bergholz Orchard Museum Friends"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def shortened(parties: int) -> ListSource:
    """The shipped list, cut to its first parties: quick to index."""
    whole = read_manifest(MANIFEST)
    rows = list(islice(csv.reader(io.StringIO(decoded(whole.content), newline="")), parties + 1))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return ListSource(whole.code, whole.published, text.getvalue().encode())


def party(party_id: str, name: str, *aliases: str, country: str = "") -> model_pb2.Party:
    return model_pb2.Party(
        party_id=party_id,
        roles=[model_pb2.PARTY_ROLE_END_USER],
        kind=model_pb2.PARTY_KIND_ORGANISATION,
        name=name,
        aliases=aliases,
        country=country,
    )


def submitted(
    *parties: model_pb2.Party, application_id: UUID | None = None, partner_id: str = "example-1"
) -> events_pb2.ApplicationSubmitted:
    told = events_pb2.ApplicationSubmitted(
        application_id=str(application_id or uuid4()),
        partner_id=partner_id,
        details=model_pb2.ApplicationDetails(parties=parties),
    )
    told.occurred_at.FromDatetime(datetime(2026, 3, 1, 12, tzinfo=UTC))
    return told


def envelope(
    payload: bytes, name: str = "ApplicationSubmitted", event_id: UUID | None = None
) -> Envelope:
    return Envelope(
        event_id=event_id or uuid4(),
        type=name,
        source="/applications",
        stream_id=uuid4(),
        version=1,
        occurred_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        traceparent=TRACEPARENT,
        payload=payload,
        topic="safeconduct.applications.v1",
        partition=0,
        offset=0,
    )


def headers(
    event_id: UUID, name: str = "ApplicationSubmitted", subject: str = "", version: int = 1
) -> Sequence[tuple[str, bytes]]:
    """CloudEvents headers as the relay of applications writes them."""
    texts = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id),
        "ce_type": f"safeconduct.applications.v1.{name}",
        "ce_source": "/applications",
        "ce_time": "2026-03-01T12:00:00Z",
        "ce_subject": subject or str(event_id),
        "ce_streamversion": str(version),
        "traceparent": TRACEPARENT,
    }
    return [(key, text.encode()) for key, text in texts.items()]
