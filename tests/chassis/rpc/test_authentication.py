from __future__ import annotations

from contextvars import copy_context
from typing import Any

import pytest
from cryptography import x509

from chassis.rpc.authentication import (
    Principal,
    authenticate,
    current_principal,
    set_principal,
)
from chassis.rpc.errors import RpcError
from chassis.rpc.partners import PartnerState
from tests.chassis.rpc.certificates import Peer, alternative_names, certificate

LICENSING = Principal(
    "officer", "licensing-1", None, frozenset({"LICENSING_OFFICER", "COUNTERSIGNER"}), 2
)
ENFORCEMENT = Principal("officer", "enforcement-1", "example-1", frozenset(), 1)


DOMAIN = "safeconduct.example"
PARTNER = b"spiffe://safeconduct.example/partner/a"


def find_officer(officer_id: str) -> Principal | None:
    return {"licensing-1": LICENSING, "enforcement-1": ENFORCEMENT}.get(officer_id)


def find_partner(partner_id: str) -> PartnerState | None:
    states = {"example-2": PartnerState.SUSPENDED, "unknown": None}
    return states.get(partner_id, PartnerState.ACTIVE)


@pytest.mark.parametrize("path", ["partner/unknown", "gate/unknown/g1"])
def test_a_partner_that_is_not_registered_is_refused_with_its_gates(path: str) -> None:
    names = alternative_names(f"spiffe://{DOMAIN}/{path}".encode())

    with pytest.raises(RpcError) as caught:
        authenticate(Peer(certificate(names, authority=None)), DOMAIN, find_officer, find_partner)

    assert (caught.value.code.name, caught.value.reason, caught.value.metadata) == (
        "PERMISSION_DENIED",
        "PARTNER_UNKNOWN",
        {"partnerId": "unknown"},
    )


@pytest.mark.parametrize("path", ["partner/example-2", "gate/example-2/g1"])
def test_a_suspended_partner_is_known_as_such_with_its_gates(path: str) -> None:
    names = alternative_names(f"spiffe://{DOMAIN}/{path}".encode())
    peer = Peer(certificate(names, authority=None))

    assert authenticate(peer, DOMAIN, find_officer, find_partner).is_suspended


@pytest.mark.parametrize(
    ("path", "principal", "name"),
    [
        (
            "partner/example-1",
            Principal("partner", "example-1", "example-1", frozenset({"PARTNER"})),
            "partner/example-1",
        ),
        (
            "gate/example-1/g1",
            Principal("gate", "g1", "example-1", frozenset({"GATE"})),
            "gate/example-1/g1",
        ),
        (
            "service/screening",
            Principal("service", "screening", None, frozenset({"SERVICE"})),
            "service/screening",
        ),
        (
            "officer/licensing-1",
            LICENSING,
            "officer/licensing-1",
        ),
        (
            "officer/enforcement-1",
            ENFORCEMENT,
            "officer/enforcement-1",
        ),
    ],
)
def test_a_certificate_names_its_principal(path: Any, principal: Any, name: Any) -> None:
    names = alternative_names(f"spiffe://{DOMAIN}/{path}".encode(), dns=[b"localhost"])
    found = authenticate(
        Peer(certificate(names, authority=None)), DOMAIN, find_officer, find_partner
    )

    assert (principal, name) == (found, found.name)


@pytest.mark.parametrize(
    "uris",
    [
        (),
        (PARTNER, b"spiffe://safeconduct.example/partner/b"),
        (PARTNER, PARTNER),
        (PARTNER, b"https://example.com/"),
        (b"spiffe://safeconduct.example/partner/Example-1",),
        (b"spiffe://safeconduct.example/officer/Licensing-1",),
        (b"spiffe://safeconduct.example/gate/a/G1",),
        (b"spiffe://other.example/partner/a",),
        (b"spiffe://safeconduct.example.evil/partner/a",),
        (b"spiffe://a.safeconduct.example/partner/a",),
        (b"spiffe://safeconduct_example/partner/a",),
        (b"spiffe://user@safeconduct.example/partner/a",),
        (b"spiffe://safeconduct.example:443/partner/a",),
        (b"spiffe://safeconduct.example",),
        (b"spiffe://safeconduct.example/",),
        (b"spiffe://safeconduct.example/partner/",),
        (b"spiffe://safeconduct.example/partner/a/",),
        (b"spiffe://safeconduct.example/partner/a/b",),
        (b"spiffe://safeconduct.example//partner/a",),
        (b"spiffe://safeconduct.example/partner//a",),
        (b"spiffe://safeconduct.example/./partner/a",),
        (b"spiffe://safeconduct.example/partner/b/../a",),
        (b"spiffe://safeconduct.example/partner/a\n",),
        (b"spiffe://safeconduct.example/partner/a ",),
        (b" spiffe://safeconduct.example/partner/a",),
        (b"spiffe://safeconduct.example/partner/a\0",),
        (b"spiffe://safeconduct.example/partner/a\0/anything",),
        (b"spiffe://safeconduct.example\0/partner/a",),
        (b"\0spiffe://safeconduct.example/partner/a",),
        (b"spiffe://safeconduct.example/officer/licensing-1\0/anything",),
        (b"spiffe://safeconduct.example/partner/\x61\xcc\x81",),
        (b"spiffe://safeconduct.example/partner/\xe9",),
        (b"spiffe://safeconduct.example/partner/%61",),
        (b"spiffe://safeconduct.example/partner%2Fa",),
        (b"spiffe://safeconduct.example/partner/a?b",),
        (b"spiffe://safeconduct.example/partner/a?",),
        (b"spiffe://safeconduct.example/partner/a#b",),
        (b"spiffe://safeconduct.example/gate/a",),
        (b"spiffe://safeconduct.example/gate/a/b/c",),
        (b"spiffe://safeconduct.example/gate/../g1",),
        (b"spiffe://safeconduct.example/officer/unknown",),
        (b"spiffe://safeconduct.example/officer/licensing-1/",),
        (b"spiffe://safeconduct.example/admin/a",),
        (b"spiffe://safeconduct.example/PARTNER/a",),
        (b"SPIFFE://safeconduct.example/partner/a",),
        (b"spiffe://SAFECONDUCT.example/partner/a",),
        (b"spiffe:/safeconduct.example/partner/a",),
        (b"https://safeconduct.example/partner/a",),
        (b"spiffe://safeconduct.example/partner/" + b"a" * 64,),
    ],
)
def test_a_certificate_with_other_uris_is_unauthenticated(uris: Any) -> None:
    assert is_refused(Peer(certificate(alternative_names(*uris), authority=None)))


def test_a_partner_with_the_one_uri_of_the_grammar_is_authenticated() -> None:
    assert not is_refused(Peer(certificate(alternative_names(PARTNER), authority=None)))


@pytest.mark.parametrize(
    "extensions",
    [
        [],
        [x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"")],
        [x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x05\x86\x20a")],
        [
            # An X.400 address beside the URI: a type of name that no caller of ours has.
            x509.UnrecognizedExtension(
                x509.SubjectAlternativeName.oid, b"\x30\x06\xa3\x00\x86\x02a:"
            )
        ],
        [x509.SubjectAlternativeName([x509.DNSName(PARTNER.decode())])],
        [x509.IssuerAlternativeName([x509.UniformResourceIdentifier(PARTNER.decode())])],
        [alternative_names(PARTNER), x509.BasicConstraints(ca=True, path_length=None)],
    ],
    ids=[
        "no names",
        "empty",
        "cut",
        "an X.400 name",
        "a DNS name",
        "the issuer's names",
        "an authority",
    ],
)
def test_a_certificate_without_a_readable_uri_of_its_own_is_unauthenticated(
    extensions: Any,
) -> None:
    assert is_refused(Peer(certificate(*extensions, authority=None)))


@pytest.mark.parametrize("pems", [(), (b"",), (b"no certificate",)])
def test_a_caller_without_a_certificate_is_unauthenticated(pems: Any) -> None:
    assert is_refused(Peer(*pems))


def test_two_certificates_are_unauthenticated() -> None:
    pem = certificate(alternative_names(PARTNER), authority=None)

    assert is_refused(Peer(pem, pem))


def is_refused(peer: Peer) -> bool:
    try:
        authenticate(peer, DOMAIN, find_officer, find_partner)
    except RpcError as error:
        return error.reason == "UNAUTHENTICATED"
    return False


def test_outside_of_a_call_there_is_no_caller() -> None:
    with pytest.raises(LookupError):
        current_principal()


def test_inside_a_call_the_caller_is_known() -> None:
    principal = Principal("service", "screening", None, frozenset({"SERVICE"}))

    def caller_of_a_call() -> Principal:
        set_principal(principal)
        return current_principal()

    assert principal == copy_context().run(caller_of_a_call)
