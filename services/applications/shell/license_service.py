"""LicenseService: partners and officers read licenses and their signed documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

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
        """Returns the license as a signed document with the hash of its LicenseIssued event."""
        found = await self._dependencies.get_visible_license(
            UUID(request.license_id), current_principal()
        )
        history = await self._dependencies.journal.history(found.id)
        issued = next(each for each in history if each.name == "LicenseIssued")
        document = self._dependencies.license_signer.sign(_license(found), issued.hash)
        return pb.GetDocumentResponse(document=document)

    async def GetSigningKeys(
        self, request: pb.GetSigningKeysRequest, context: Any
    ) -> pb.GetSigningKeysResponse:
        """Returns the public key that documents verify with."""
        signer = self._dependencies.license_signer
        return pb.GetSigningKeysResponse(
            keys=[pb.SigningKey(key_id=signer.key_id, public_key=signer.public_key)]
        )


def _license(stream: StoredStream[Application]) -> License:
    license_ = stream.state.license
    assert license_ is not None, "the queries find applications with a license only"
    return license_
