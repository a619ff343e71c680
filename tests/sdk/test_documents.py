"""License documents, verified offline."""

from __future__ import annotations

import json
import warnings

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey
from safeconduct import conduct
from safeconduct.documents import InvalidDocumentError, verify


def document(key: Ed25519PrivateKey, claims: dict[str, str], **header: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jws.serialize_compact(
            {"alg": "EdDSA", "kid": "one", **header},
            json.dumps(claims),
            OKPKey.import_key(key),
            algorithms=["EdDSA"],
        )


def test_a_document_that_a_published_key_signed_verifies() -> None:
    key = conduct.generate_key()
    found = verify(
        document(key, {"license_id": "a"}, typ="license+jws"), {"one": conduct.public_bytes(key)}
    )

    assert (found.key_id, found.claims) == ("one", {"license_id": "a"})


def test_a_document_of_another_key_or_changed_on_the_way_does_not_verify() -> None:
    key, other = conduct.generate_key(), conduct.generate_key()
    signed = document(key, {"license_id": "a"})
    keys = {"one": conduct.public_bytes(key)}
    header, _, signature = signed.split(".")
    changed = ".".join((header, document(key, {"license_id": "b"}).split(".")[1], signature))

    for bad in (changed, signed[:-6], document(other, {"license_id": "a"}), "no jws", ""):
        with pytest.raises(InvalidDocumentError):
            verify(bad, keys)
    with pytest.raises(InvalidDocumentError, match="unknown key 'one'; known: two"):
        verify(signed, {"two": conduct.public_bytes(key)})


def test_a_document_without_a_signature_does_not_verify() -> None:
    unsigned = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.e30."

    with pytest.raises(InvalidDocumentError):
        verify(unsigned, {"one": conduct.public_bytes(conduct.generate_key())})
