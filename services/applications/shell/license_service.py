"""LicenseService: the documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.rpc.page_tokens import page_size
from services.applications.shell import codec
from services.applications.shell.application_service import opened, sealed
from services.applications.shell.dependencies import Dependencies


class LicenseServicer(service_pb2_grpc.LicenseServiceServicer):
    """The archive of licenses."""

    def __init__(self, office: Dependencies) -> None:
        self._office = office

    async def GetLicense(
        self, request: pb.GetLicenseRequest, context: Any
    ) -> pb.GetLicenseResponse:
        """One license."""
        found = await self._office.shown_license(UUID(request.license_id), current_principal())
        assert found.state.license is not None
        return pb.GetLicenseResponse(license=codec.LICENSE.to_proto(found.state.license))

    async def ListLicenses(
        self, request: pb.ListLicensesRequest, context: Any
    ) -> pb.ListLicensesResponse:
        """The partner's, newest first."""
        office, partner = self._office, current_principal().id
        purpose = f"ListLicenses/{partner}"
        moment, last = opened(office, purpose, request.page_token)
        size = page_size(request.page_size)
        found = await office.journal.select(
            "where partner_id = $1 and license_id is not null"
            " and ($2::timestamptz is null or (licensed_at, id) < ($2, $3::uuid))"
            " order by licensed_at desc, id desc limit $4",
            partner, moment, last, size + 1,
        )  # fmt: skip
        page = found[:size]
        licenses = [each.state.license for each in page if each.state.license is not None]
        return pb.ListLicensesResponse(
            licenses=[codec.LICENSE.to_proto(each) for each in licenses],
            next_page_token=sealed(office, purpose, licenses[-1].not_before, page[-1].id)
            if len(found) > size
            else "",
        )

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Any
    ) -> pb.GetDocumentResponse:
        """The signed document, tied to the event that issued it."""
        found = await self._office.shown_license(UUID(request.license_id), current_principal())
        record = found.state.license
        assert record is not None
        history = await self._office.journal.history(found.id)
        issued = next(each for each in history if each.name == "LicenseIssued")
        return pb.GetDocumentResponse(document=self._office.signer.sign(record, issued.hash))

    async def GetSigningKeys(
        self, request: pb.GetSigningKeysRequest, context: Any
    ) -> pb.GetSigningKeysResponse:
        """The key in use."""
        signer = self._office.signer
        return pb.GetSigningKeysResponse(
            keys=[pb.SigningKey(key_id=signer.key_id, public_key=signer.public_key)]
        )
