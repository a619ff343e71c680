"""The development certificate authority."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from infra.local import certificate_authority as ca
from infra.local.principals import spiffe_uri

URI = "spiffe://safeconduct.example/partner/example-1"


def _certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def _names(file: Path) -> x509.SubjectAlternativeName:
    return _certificate(file).extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_certificate_names_its_principal_as_a_spiffe_uri(tmp_path: Path) -> None:
    identity = ca.issue(tmp_path, "partner-example-1", URI)

    assert _names(identity.cert).get_values_for_type(x509.UniformResourceIdentifier) == [URI]


def test_a_service_certificate_is_good_for_localhost_in_both_directions(tmp_path: Path) -> None:
    identity = ca.issue(tmp_path, "service-screening", spiffe_uri("service/screening"))

    names = _names(identity.cert)
    usage = (
        _certificate(identity.cert).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    )
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_nobody_but_a_service_can_pose_as_a_server(tmp_path: Path) -> None:
    identity = ca.issue(tmp_path, "partner-example-1", URI)

    usage = (
        _certificate(identity.cert).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    )
    assert set(usage) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    assert _names(identity.cert).get_values_for_type(x509.DNSName) == []


def test_a_certificate_is_issued_by_the_authority(tmp_path: Path) -> None:
    identity = ca.issue(tmp_path, "partner-example-1", URI)

    _certificate(identity.cert).verify_directly_issued_by(_certificate(identity.ca))


def test_issuing_again_keeps_a_good_certificate(tmp_path: Path) -> None:
    first = ca.issue(tmp_path, "partner-example-1", URI).cert.read_bytes()

    assert ca.issue(tmp_path, "partner-example-1", URI).cert.read_bytes() == first


def test_a_certificate_of_another_authority_is_issued_again(tmp_path: Path) -> None:
    first = ca.issue(tmp_path, "partner-example-1", URI).cert.read_bytes()
    (tmp_path / "ca.key").unlink()

    again = ca.issue(tmp_path, "partner-example-1", URI)

    assert again.cert.read_bytes() != first
    _certificate(again.cert).verify_directly_issued_by(_certificate(again.ca))


def test_a_name_that_gets_another_principal_is_issued_again(tmp_path: Path) -> None:
    ca.issue(tmp_path, "one", URI)

    again = ca.issue(tmp_path, "one", spiffe_uri("officer/licensing-1"))

    assert _names(again.cert).get_values_for_type(x509.UniformResourceIdentifier) == [
        "spiffe://safeconduct.example/officer/licensing-1"
    ]


def test_private_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    identity = ca.issue(tmp_path, "partner-example-1", URI)
    files = (
        identity.key,
        tmp_path / "ca.key",
        ca.license_key(tmp_path),
        ca.page_token_key(tmp_path, "screening"),
    )

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_license_key_is_an_ed25519_key_and_stays_the_same(tmp_path: Path) -> None:
    key = ca.license_key(tmp_path).read_bytes()

    assert isinstance(load_pem_private_key(key, password=None), Ed25519PrivateKey)
    assert ca.license_key(tmp_path).read_bytes() == key


@pytest.mark.parametrize(
    "principal",
    ["example-1", "partner/", "partner/a/b", "gate/example-1", "officer/../x", "partner/É"],
)
def test_what_is_no_principal_gets_no_uri(principal: str) -> None:
    with pytest.raises(ValueError, match="is not of the form partner"):
        spiffe_uri(principal)
