"""LicenseService: partners and officers read licenses and their signed documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.proto_mapping import to_timestamp
from chassis.rpc.authentication import current_principal
from chassis.store.stream import StoredStream
from services.applications.core.model import (
    Application,
    License,
)
from services.applications.shell import codec
from services.applications.shell.dependencies import Dependencies


class LicenseServicer(service_pb2_grpc.LicenseServiceServicer):
    """Serves `safeconduct.applications.v1.LicenseService`. Changes nothing."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    async def GetLicense(
        self, request: pb.GetLicenseRequest, context: Any
    ) -> pb.GetLicenseResponse:
        """Returns one license, or NOT_VISIBLE."""
        found = await self._dependencies.get_visible_license(
            UUID(request.license_id), current_principal()
        )
        return pb.GetLicenseResponse(license=codec.LICENSE.to_proto(_license(found)))

    async def ListLicenses(
        self, request: pb.ListLicensesRequest, context: Any
    ) -> pb.ListLicensesResponse:
        """Returns one page of the calling partner's licenses, newest first."""
        partner = current_principal().id
        page = self._dependencies.page_tokens.page(f"ListLicenses/{partner}", request)
        found = await self._dependencies.journal.select(
            "where partner_id = $1 and license_id is not null"
            " and ($2::timestamptz is null or (licensed_at, id) < ($2, $3::uuid))"
            " order by licensed_at desc, id desc limit $4",
            partner,
            *page.after,
            page.limit,
        )
        return pb.ListLicensesResponse(
            licenses=[codec.LICENSE.to_proto(_license(each)) for each in page.rows(found)],
            next_page_token=page.next_token(found, lambda row: (_license(row).not_before, row.id)),
        )

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Any
    ) -> pb.GetDocumentResponse:
        """Returns the document of the license, always with the bytes that were signed first."""
        found = await self._dependencies.get_visible_license(
            UUID(request.license_id), current_principal()
        )
        stored = await self._dependencies.documents.newest(_license(found))
        return pb.GetDocumentResponse(document=stored.document, revision=stored.revision)

    async def GetSigningKeys(
        self, request: pb.GetSigningKeysRequest, context: Any
    ) -> pb.GetSigningKeysResponse:
        """Returns the public keys that documents verify with, former ones included."""
        found = await self._dependencies.signing_keys.published()
        return pb.GetSigningKeysResponse(
            keys=[
                pb.SigningKey(
                    key_id=each.key_id,
                    public_key=each.public_key,
                    valid_from=_timestamp(each.valid_from),
                    retired_at=_timestamp(each.retired_at),
                )
                for each in found
            ]
        )


def _timestamp(time: datetime | None) -> Timestamp | None:
    return to_timestamp(time) if time is not None else None


def _license(stream: StoredStream[Application]) -> License:
    license_ = stream.state.license
    assert license_ is not None, "the queries find applications with a license only"
    return license_
