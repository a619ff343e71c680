from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from safeconduct.applications.v1 import service_pb2

from chassis.rpc.peer_certificate import PeerUris
from tests.chassis.rpc.certificates import alternative_names, certificate, private_key

PARTNER = b"spiffe://safeconduct.example/partner/example-1"


def signed(folder: Path, *uris: bytes) -> bytes:
    """Returns a certificate with these URIs, signed by the authority in the folder."""
    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return certificate(alternative_names(*uris), authority=(ca.subject, key))


@pytest.mark.parametrize(
    "uris",
    [
        (PARTNER + b"\0/anything",),
        (PARTNER + b"\0",),
        (PARTNER + b"/",),
        (PARTNER + b"%00",),
        (PARTNER, b"spiffe://safeconduct.example/partner/example-2"),
        (b"spiffe://other.example/partner/example-1",),
    ],
)
async def test_a_caller_whose_uri_only_begins_like_that_of_a_partner_is_unauthenticated(
    rpc: Any, certificates: Path, request_: Any, failure: Any, uris: Any
) -> None:
    stub = rpc.stub_with(signed(certificates, *uris), private_key())

    failed = await failure(stub.SubmitApplication(request_))

    assert (failed.code, failed.info.reason) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "UNAUTHENTICATED",
    )


async def test_a_caller_with_exactly_the_uri_of_a_partner_is_served(
    rpc: Any, certificates: Path, request_: service_pb2.SubmitApplicationRequest
) -> None:
    stub = rpc.stub_with(signed(certificates, PARTNER), private_key())

    response = await stub.SubmitApplication(request_)

    assert response.application.application_id == request_.request_id


def test_a_certificate_is_read_once() -> None:
    read: list[bytes] = []

    def find(pem: bytes) -> str:
        read.append(pem)
        return pem.decode()

    uris = PeerUris(find)

    assert [uris.of(pem) for pem in (b"a", b"b", b"a")] == ["a", "b", "a"]
    assert read == [b"a", b"b"]
