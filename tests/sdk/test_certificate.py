"""The end of a certificate's validity is read as the library for certificates reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from safeconduct.certificate import expires_at

from infra.local.certificate_authority import Identity


def certificate(end: datetime, name: str = "gate") -> bytes:
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(end)
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    "end",
    [
        datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC),  # written with two digits of the year
        datetime(2050, 1, 1, tzinfo=UTC),  # written with four
    ],
)
def test_the_end_of_the_first_certificate_is_read(end: datetime) -> None:
    chain = certificate(end, "g" * 60) + certificate(datetime(2099, 1, 1, tzinfo=UTC))

    assert expires_at(chain) == end


def test_text_before_the_certificate_is_skipped(partner_files: Identity) -> None:
    document = partner_files.cert.read_bytes()
    expected = x509.load_pem_x509_certificate(document).not_valid_after_utc

    assert expires_at(b"Subject: a gate\n" + document) == expected


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n\xff\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_has_no_end(document: bytes) -> None:
    assert expires_at(document) is None
