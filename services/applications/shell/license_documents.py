"""Signs license documents (JWS, RFC 7515, Ed25519, RFC 9864) and verifies end users' signatures.

The same license and key give the same bytes: Ed25519 is deterministic and the claims are sorted. A
document does not say whether the license is in force now; enforcement does.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jws
from joserfc.jwk import OKPKey

from services.applications.core.model import License

ALGORITHM: Final = "Ed25519"
"""The name of RFC 9864. Documents of earlier releases have the older name `EdDSA` (RFC 8037)."""
TYPE: Final = "safeconduct-license+jwt"
"""The header `typ`. It keeps a document from being accepted as another token (RFC 8725)."""


class LicenseSigner:
    """Signs license documents with one Ed25519 key.

    `key_id` is the RFC 7638 thumbprint of the key. `issuer` is the trust domain.
    """

    def __init__(self, private_key: Ed25519PrivateKey, issuer: str) -> None:
        self._key = OKPKey.import_key(private_key)
        self._issuer = issuer
        self.public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id: str = self._key.thumbprint()
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])

    def sign(self, license_: License, event_hash: bytes = b"") -> str:
        """Returns the document as a compact JWS.

        `event_hash` is the hash of the LicenseIssued event, by which the audit log proves the
        issue.
        """
        header = {"alg": ALGORITHM, "kid": self.key_id, "typ": TYPE}
        claims = _claims(license_, self._issuer, event_hash)
        payload = json.dumps(
            claims, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
        return jws.serialize_compact(header, payload, self._key, registry=self._registry)


def load_signing_key(pem: bytes) -> Ed25519PrivateKey:
    """Returns the Ed25519 private key in a PEM file. Raises ValueError for anything else."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the license key is not an Ed25519 private key")  # noqa: TRY004 - the content of the file is wrong, not a type
    return key


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Returns True if the Ed25519 `public_key` made `signature` over `message`. Never raises."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _claims(license_: License, issuer: str, event_hash: bytes) -> dict[str, object]:
    """Returns the claims, registered ones (RFC 7519) if possible; times in seconds since 1970."""
    acceptance = license_.acceptance
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": license_.partner_id,
        "jti": str(license_.license_id),
        "iat": _seconds(acceptance.accepted_at),
        "nbf": _seconds(license_.not_before),
        "exp": _seconds(license_.not_after),
        "license_number": license_.license_number,
        "application_id": str(license_.application_id),
        "decision_id": str(license_.decision_id),
        "holder": license_.holder_name,
        "end_users": list(license_.end_user_names),
        "items": [
            {"model_id": item.model_id, "access_mode": str(item.access_mode)}
            for item in license_.items
        ],
        "destinations": list(license_.destinations),
        "end_uses": [str(use) for use in license_.end_uses],
        "conditions": list(license_.conditions),
        "monthly_million_tokens": license_.monthly_million_tokens,
        "lease_seconds": license_.lease_seconds,
        "code_of_conduct": {
            "version": acceptance.code_version,
            "sha256": acceptance.code_digest.hex(),
            "signatory": acceptance.signatory_party_id,
            "signature": acceptance.signature.hex(),
        },
    }
    return {**claims, "event_sha256": event_hash.hex()} if event_hash else claims


def _seconds(time: datetime) -> int:
    return int(time.timestamp())
