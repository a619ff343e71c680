"""The certificate authority and the other keys of a local stack. Not for production.

Existing files that are still valid are kept, so a stack that starts again keeps its identities.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS: Final = 365
LEAF_DAYS: Final = 30
RENEW_DAYS: Final = 7
"""A certificate that expires within this time is issued again."""

PAGE_TOKEN_KEY_BYTES: Final = 32
_SERVERS: Final = ("/service/", "/broker/", "/database/")
_NAME_CHARACTERS: Final = 64
"""RFC 5280, appendix A.1, allows a common name no more."""
_CLOCK_SKEW: Final = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM files of one principal: its CA, its certificate and its private key (mode 0600)."""

    ca: Path
    cert: Path
    key: Path


def authority(folder: Path) -> Path:
    """Returns the path of `ca.crt` in `folder`. A missing or expiring CA is created."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if not (key.exists() and certificate.exists() and _lasts(_load(certificate))):
        _make_authority(certificate, key)
    return certificate


def issue(
    folder: Path,
    name: str,
    spiffe_uri: str,
    *,
    lifetime: dt.timedelta = dt.timedelta(days=LEAF_DAYS),
) -> Identity:
    """Returns `<name>.crt` and `<name>.key` in `folder` for the SPIFFE URI.

    Certificates of a service, of a broker and of a database also serve `localhost` and 127.0.0.1;
    others are for clients only. The certificate is issued again if it expires soon, or if its URI
    or its CA is another one.
    """
    ca = _load(authority(folder))
    identity = Identity(
        ca=folder / "ca.crt", cert=folder / f"{name}.crt", key=folder / f"{name}.key"
    )
    if not (
        identity.key.exists()
        and identity.cert.exists()
        and _is_good(_load(identity.cert), ca, spiffe_uri)
    ):
        _make_leaf(identity, ca, _load_key(folder / "ca.key"), spiffe_uri, lifetime)
    return identity


def common_name(identity: Identity) -> str:
    """Returns the common name of the certificate, by which Kafka knows its owner."""
    return identity.cert.stem[:_NAME_CHARACTERS]


def license_key(folder: Path) -> Path:
    """Returns `license.key`: the Ed25519 key (PKCS #8 PEM) that signs license documents."""
    file = folder / "license.key"
    if not file.exists():
        _write_private(file, _pem(ed25519.Ed25519PrivateKey.generate()))
    return file


def page_token_key(folder: Path, name: str) -> Path:
    """Returns `<name>-page-token.key`: random bytes that authenticate a service's page tokens."""
    file = folder / f"{name}-page-token.key"
    if not file.exists():
        _write_private(file, secrets.token_bytes(PAGE_TOKEN_KEY_BYTES))
    return file


def _make_authority(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Safeconduct development CA")])
    usage = _key_usage(signs_certificates=True)
    builder = (
        _builder(name, name, key.public_key(), dt.timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    _write_private(key_file, _pem(key))
    _write(
        certificate,
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        0o644,
    )


def _make_leaf(
    identity: Identity,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    spiffe_uri: str,
    lifetime: dt.timedelta,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name(identity))])
    alternatives: list[x509.GeneralName] = [x509.UniformResourceIdentifier(spiffe_uri)]
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if any(kind in spiffe_uri for kind in _SERVERS):
        # Only a server may act as a server, so a partner's stolen certificate cannot imitate one.
        alternatives += [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
        ]
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
    ca_id = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(subject, ca.subject, key.public_key(), lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False
        )
    )
    _write_private(identity.key, _pem(key))
    _write(
        identity.cert,
        builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        0o644,
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _is_good(leaf: x509.Certificate, ca: x509.Certificate, spiffe_uri: str) -> bool:
    try:
        leaf.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _lasts(leaf) and names.get_values_for_type(x509.UniformResourceIdentifier) == [
        spiffe_uri
    ]


def _lasts(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc > dt.datetime.now(dt.UTC) + dt.timedelta(days=RENEW_DAYS)


def _load(certificate: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.read_bytes())


def _load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file} is not an EC key")
    return key


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(file: Path, content: bytes) -> None:
    _write(file, content, 0o600)


def _write(file: Path, content: bytes, mode: int) -> None:
    """Replaces the file atomically, so that no reader sees half a key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    Path(draft).chmod(mode)
    Path(draft).replace(file)
