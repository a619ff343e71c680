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
from services.applications.shell import codec, listings, summaries
from services.applications.shell.dependencies import Dependencies


class LicenseServicer(service_pb2_grpc.LicenseServiceServicer):
    """Serves `safeconduct.applications.v1.LicenseService`. Changes nothing."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._lists = dependencies.lists()
        self._summaries = self._lists.summaries(
            pb.LicenseSummary, "id", lambda stream, _: summaries.license_(_license(stream))
        )
        self._details = self._lists.details(
            "id", lambda stream, _: codec.LICENSE.to_proto(_license(stream))
        )

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
        """Returns one page of licenses."""
        caller = current_principal()
        query = listings.licenses(request, caller, self._dependencies.reference_data.countries)
        if request.HasField("filter"):
            page = await self._lists.read(caller.name, request, query, self._summaries)
            return pb.ListLicensesResponse(
                summaries=page.elements,
                next_page_token=page.next_page_token,
                total_size=page.total_size,
                has_more_than_total=page.has_more_than_total,
            )
        # Clients of the release before read whole licenses.
        whole = await self._lists.read(caller.name, request, query, self._details)
        return pb.ListLicensesResponse(
            licenses=whole.elements,
            next_page_token=whole.next_page_token,
            total_size=whole.total_size,
            has_more_than_total=whole.has_more_than_total,
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
