"""LicenseService: partners and officers read licenses and their signed documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.rpc.page_tokens import page_size
from services.applications.shell import codec
from services.applications.shell.application_service import decode_page_token, encode_page_token
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
        assert found.state.license is not None, "the query finds licensed applications only"
        return pb.GetLicenseResponse(license=codec.LICENSE.to_proto(found.state.license))

    async def ListLicenses(
        self, request: pb.ListLicensesRequest, context: Any
    ) -> pb.ListLicensesResponse:
        """Returns one page of the calling partner's licenses, newest first."""
        dependencies, partner = self._dependencies, current_principal().id
        purpose = f"ListLicenses/{partner}"
        licensed_at, last_id = decode_page_token(dependencies, purpose, request.page_token)
        size = page_size(request.page_size)
        found = await dependencies.journal.select(
            "where partner_id = $1 and license_id is not null"
            " and ($2::timestamptz is null or (licensed_at, id) < ($2, $3::uuid))"
            " order by licensed_at desc, id desc limit $4",
            partner, licensed_at, last_id, size + 1,
        )  # fmt: skip
        page = found[:size]
        licenses = [each.state.license for each in page if each.state.license is not None]
        return pb.ListLicensesResponse(
            licenses=[codec.LICENSE.to_proto(each) for each in licenses],
            next_page_token=encode_page_token(
                dependencies, purpose, licenses[-1].not_before, page[-1].id
            )
            if len(found) > size
            else "",
        )

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Any
    ) -> pb.GetDocumentResponse:
        """Returns the license as a signed document that carries the hash of its LicenseIssued event."""
        found = await self._dependencies.get_visible_license(
            UUID(request.license_id), current_principal()
        )
        license_ = found.state.license
        assert license_ is not None, "the query finds licensed applications only"
        history = await self._dependencies.journal.history(found.id)
        issued = next(each for each in history if each.name == "LicenseIssued")
        document = self._dependencies.license_signer.sign(license_, issued.hash)
        return pb.GetDocumentResponse(document=document)

    async def GetSigningKeys(
        self, request: pb.GetSigningKeysRequest, context: Any
    ) -> pb.GetSigningKeysResponse:
        """Returns the public key that documents verify with."""
        signer = self._dependencies.license_signer
        return pb.GetSigningKeysResponse(
            keys=[pb.SigningKey(key_id=signer.key_id, public_key=signer.public_key)]
        )
