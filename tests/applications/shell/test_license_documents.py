from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey
from safeconduct.documents import verify

from services.applications.core.model import License
from services.applications.shell.license_documents import (
    LicenseSigner,
    load_signing_key,
    verify_signature,
)
from tests.applications import builders as b

SIGNER = LicenseSigner(b.KEY, "https://safeconduct.example")
REGISTRY = jws.JWSRegistry(algorithms=["Ed25519"])


def license_() -> License:
    issued = b.approved().license
    assert issued is not None
    return issued


def opened(document: str, signer: LicenseSigner = SIGNER) -> jws.CompactSignature:
    x = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _base64(signer.public_key)})
    return jws.deserialize_compact(document, x, registry=REGISTRY)


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_document_verifies_with_the_published_key_and_contains_the_license() -> None:
    document = opened(SIGNER.sign(license_(), b"\xab" * 32))
    claims = json.loads(document.payload)

    assert document.headers() == {
        "alg": "Ed25519",
        "kid": SIGNER.key_id,
        "typ": "safeconduct-license+jwt",
    }
    assert claims["jti"] == str(b.LICENSE_ID)
    assert claims["holder"] == "Party applicant"
    assert claims["items"] == [{"model_id": "example-frontier-1", "access_mode": "HOSTED_ACCESS"}]
    assert claims["exp"] - claims["nbf"] == 365 * 86_400
    assert claims["code_of_conduct"]["sha256"] == "01" * 32
    assert claims["event_sha256"] == "ab" * 32


def test_the_same_license_gives_the_same_document() -> None:
    assert SIGNER.sign(license_()) == LicenseSigner(b.KEY, "https://safeconduct.example").sign(
        license_()
    )


def test_a_document_does_not_contain_the_standing() -> None:
    assert SIGNER.sign(license_()) == SIGNER.sign(replace(license_(), version=7))


def test_the_client_package_verifies_the_document_of_a_license() -> None:
    found = verify(SIGNER.sign(license_()), {SIGNER.key_id: SIGNER.public_key})

    assert found.claims["jti"] == str(b.LICENSE_ID)


def test_a_document_does_not_verify_with_another_key() -> None:
    with pytest.raises(BadSignatureError):
        opened(SIGNER.sign(license_()), LicenseSigner(b.OTHER_KEY, "https://safeconduct.example"))


def test_a_changed_document_does_not_verify() -> None:
    header, payload, signature = SIGNER.sign(license_()).split(".")
    other = SIGNER.sign(replace(license_(), monthly_million_tokens=501)).split(".")[1]

    assert other != payload
    with pytest.raises(BadSignatureError):
        opened(f"{header}.{other}.{signature}")


def test_a_key_id_is_the_thumbprint_of_the_key() -> None:
    public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _base64(SIGNER.public_key)})

    assert SIGNER.key_id == public.thumbprint()
    assert LicenseSigner(b.OTHER_KEY, "").key_id != SIGNER.key_id


def test_a_signing_key_is_read_from_its_file() -> None:
    pem = b.KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    assert load_signing_key(pem).private_bytes_raw() == b.KEY.private_bytes_raw()


def test_a_key_of_another_kind_is_refused() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )

    with pytest.raises(ValueError, match="Ed25519"):
        load_signing_key(pem)


@pytest.mark.parametrize(
    ("key", "signature"), [(b"", b""), (b"\x00" * 31, b"\x00" * 64), (b"\xff" * 32, b"\x00" * 64)]
)
def test_bytes_that_are_no_key_or_no_signature_do_not_verify(key: bytes, signature: bytes) -> None:
    assert verify_signature(key, b"text", signature) is False
