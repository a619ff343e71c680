"""Authenticates a caller by the SPIFFE URI in its certificate; knows the current caller.

A principal is the one URI of the certificate, which must match the grammar as a whole. The common
name is never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

import grpc

from chassis.rpc.errors import CommonReason, RpcError
from chassis.rpc.partners import PartnerState
from chassis.rpc.peer_certificate import PeerUris
from chassis.rpc.principal_ids import SEGMENT

Kind = Literal["partner", "gate", "officer", "service"]

_PATH: Final = re.compile(
    rf"(?P<kind>partner|officer|service)/(?P<id>{SEGMENT})"
    rf"|(?P<gate>gate)/(?P<partner>{SEGMENT})/(?P<gate_id>{SEGMENT})"
)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `partner_id` is a partner's own id, the partner of a gate, or the partner that an officer
    belongs to. `roles` are names of `safeconduct.options.v1.Role` without the prefix. `tier` is the
    clearance of an officer, 1 to 3; it is 0 for every other caller. `person` is the officer's id of
    the person who has this account, if that is not the account's own id. `is_suspended` says
    that the partner registry has suspended the partner, or the partner of the gate.
    """

    kind: Kind
    id: str
    partner_id: str | None
    roles: frozenset[str]
    tier: int = 0
    person: str | None = None
    is_suspended: bool = False

    @property
    def person_id(self) -> str:
        """Returns the id that four eyes compare. All accounts of one person have the same."""
        return self.person or self.id

    @property
    def name(self) -> str:
        """Returns the actor's name in events, e.g. gate/example-1/g1 or officer/licensing-1."""
        return (
            f"gate/{self.partner_id}/{self.id}" if self.kind == "gate" else f"{self.kind}/{self.id}"
        )


class AuthContext(Protocol):
    """The part of gRPC's servicer context that carries the certificate."""

    def auth_context(self) -> Mapping[str, Any]: ...  # noqa: D102 - gRPC documents it


def authenticate(
    context: AuthContext,
    trust_domain: str,
    find_officer: Callable[[str], Principal | None],
    find_partner: Callable[[str], PartnerState | None],
) -> Principal:
    """Returns the caller whose certificate gRPC has verified.

    Raises RpcError UNAUTHENTICATED if the certificate names no principal of the trust domain, or an
    officer that `find_officer` does not know, and PARTNER_UNKNOWN for a partner or gate whose
    partner `find_partner` does not know.
    """
    # Not `peer_spiffe_id`: it ends at the first NUL of the URI.
    pems = tuple(context.auth_context().get("x509_pem_cert") or ())
    uri = _PEER_URIS.of(bytes(pems[0])) if len(pems) == 1 else None
    principal = None if uri is None else parse_principal(uri, trust_domain)
    if principal is not None and principal.kind == "officer":
        principal = find_officer(principal.id)
    if principal is None:
        message = "the certificate names no principal of this trust domain"
        raise RpcError(grpc.StatusCode.UNAUTHENTICATED, CommonReason.UNAUTHENTICATED, message)
    if principal.kind in {"partner", "gate"} and principal.partner_id is not None:
        return _of_registered_partner(principal, principal.partner_id, find_partner)
    return principal


def _of_registered_partner(
    principal: Principal, partner_id: str, find_partner: Callable[[str], PartnerState | None]
) -> Principal:
    state = find_partner(partner_id)
    if state is None:
        message = "the partner registry does not have the partner of this certificate"
        code, metadata = grpc.StatusCode.PERMISSION_DENIED, {"partnerId": partner_id}
        raise RpcError(code, CommonReason.PARTNER_UNKNOWN, message, metadata)
    return principal if state is PartnerState.ACTIVE else replace(principal, is_suspended=True)


_PEER_URIS: Final = PeerUris()


@lru_cache(maxsize=4096)
def parse_principal(uri: str, trust_domain: str) -> Principal | None:
    """Returns the principal with this URI, or None if the URI is none of the trust domain's.

    The URI is compared as it is: nothing is decoded, normalised or cut off.
    """
    prefix = f"spiffe://{trust_domain}/"
    parts = _PATH.fullmatch(uri, len(prefix)) if uri.startswith(prefix) else None
    match parts and parts.groupdict():
        case {"gate": "gate", "partner": str(partner), "gate_id": str(gate)}:
            return Principal("gate", gate, partner, frozenset({"GATE"}))
        case {"kind": "partner", "id": str(partner)}:
            return Principal("partner", partner, partner, frozenset({"PARTNER"}))
        case {"kind": "service", "id": str(service)}:
            return Principal("service", service, None, frozenset({"SERVICE"}))
        case {"kind": "officer", "id": str(officer)}:
            # The roles of an officer are in the officers file, not in the certificate: they can be
            # taken away without a new certificate.
            return Principal("officer", officer, None, frozenset())
        case _:
            return None


_current: ContextVar[Principal] = ContextVar("principal")


def current_principal() -> Principal:
    """Returns the caller of the running call. Raises LookupError outside of a call."""
    return _current.get()


def is_inside_a_call() -> bool:
    """Returns whether the current task runs for a caller."""
    return _current.get(None) is not None


def set_principal(principal: Principal) -> None:
    """Sets the caller for the rest of the current task. Every call runs in a task of its own."""
    _current.set(principal)
