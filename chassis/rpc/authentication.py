"""Who calls: the principal in the peer's certificate, and the roles that officers hold by data.

A principal is the one SPIFFE URI of the certificate; its common name is never read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

import grpc
import structlog
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.errors import CommonReason, RpcError

Kind = Literal["partner", "gate", "officer", "service"]
OfficerRole = Literal["LICENSING_OFFICER", "COUNTERSIGNER", "ENFORCEMENT_OFFICER", "LIST_OFFICER"]

_SEGMENT: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_PATH: Final = re.compile(
    rf"(?P<kind>partner|officer|service)/(?P<id>{_SEGMENT})|(?P<gate>gate)/(?P<partner>{_SEGMENT})/(?P<gate_id>{_SEGMENT})"
)
_RELOAD_SECONDS: Final = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. `partner_id` is a partner's own id, a gate's partner, or the partner that an officer belongs to.

    `roles` are names of `safeconduct.options.v1.Role` without the prefix; `tier` is an officer's clearance, 1 to 3,
    and 0 for everybody else.
    """

    kind: Kind
    id: str
    partner_id: str | None
    roles: frozenset[str]
    tier: int = 0

    @property
    def name(self) -> str:
        """How the principal is recorded as an actor, for instance gate/example-1/g1 or officer/licensing-1."""
        return (
            f"gate/{self.partner_id}/{self.id}" if self.kind == "gate" else f"{self.kind}/{self.id}"
        )


class Officer(BaseModel):
    """One entry of the officers file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=rf"^{_SEGMENT}$")]
    roles: Annotated[tuple[OfficerRole, ...], Field(strict=False)]
    tier: Annotated[int, Field(ge=1, le=3)]
    affiliation: Annotated[str, Field(pattern=rf"^{_SEGMENT}$")] | None = None

    def principal(self) -> Principal:
        """The officer as a caller."""
        return Principal("officer", self.id, self.affiliation, frozenset(self.roles), self.tier)


class _OfficersFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    officers: list[Officer]


class OfficersFileError(ValueError):
    """The officers file cannot be used; the message names every fault and where it stands."""


class Officers:
    """The officers of one file, read again when the file changes (looked at once a second at most).

    A file that went bad or away is logged and the last good one stays in force.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._signature = _signature(path)
        self._officers = _read(path)
        self._looked_at = time.monotonic()

    @classmethod
    def load(cls, path: Path) -> Officers:
        """Read the file; `OfficersFileError` if anything in it is unknown, missing or there twice."""
        return cls(path)

    def find(self, officer_id: str) -> Principal | None:
        """The officer as the file has it now."""
        if time.monotonic() - self._looked_at >= _RELOAD_SECONDS:
            self.refresh()
        return self._officers.get(officer_id)

    def refresh(self) -> None:
        """Read the file again if it changed since it was last read."""
        self._looked_at = time.monotonic()
        signature = _signature(self._path)
        if signature == self._signature:
            return
        self._signature = signature  # also of a bad file: one log line each, not one a second
        try:
            self._officers = _read(self._path)
        except OfficersFileError as fault:
            log.error("officers_file_rejected", faults=str(fault))  # noqa: TRY400 - the faults say it all
        else:
            log.info("officers_file_read", officers=len(self._officers))


def _signature(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> Mapping[str, Principal]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - derived from SafeLoader
        officers = _OfficersFile.model_validate(content).officers
    except (OSError, UnicodeDecodeError) as fault:
        raise OfficersFileError(f"{path} cannot be read ({type(fault).__name__})") from fault
    except yaml.YAMLError as fault:
        raise OfficersFileError(f"{path} is not YAML: {' '.join(str(fault).split())}") from fault
    except ValidationError as fault:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in fault.errors()
        )
        raise OfficersFileError(f"{path}: {faults}") from fault
    ids = [officer.id for officer in officers]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise OfficersFileError(f"{path}: the id is there twice: {', '.join(twice)}")
    return {officer.id: officer.principal() for officer in officers}


class _StrictLoader(yaml.SafeLoader):
    """A key written twice in one mapping is a fault, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(repr, keys))) < len(keys):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


class AuthContext(Protocol):
    """The part of a servicer context that carries the certificate."""

    def auth_context(self) -> Mapping[str, Any]: ...  # noqa: D102 - gRPC's


def authenticate(context: AuthContext, trust_domain: str, officers: Officers) -> Principal:
    """The caller by its certificate; `RpcError` UNAUTHENTICATED if that names no principal of this trust domain."""
    found = tuple(context.auth_context().get("peer_spiffe_id") or ())
    principal = _principal(bytes(found[0]), trust_domain) if len(found) == 1 else None
    if principal is not None and principal.kind == "officer":
        principal = officers.find(principal.id)
    if principal is None:
        message = "the certificate names no principal of this trust domain"
        raise RpcError(grpc.StatusCode.UNAUTHENTICATED, CommonReason.UNAUTHENTICATED, message)
    return principal


@lru_cache(maxsize=4096)
def _principal(spiffe_id: bytes, trust_domain: str) -> Principal | None:
    prefix = f"spiffe://{trust_domain}/"
    text = spiffe_id.decode("ascii", errors="replace")
    parts = _PATH.fullmatch(text.removeprefix(prefix)) if text.startswith(prefix) else None
    match parts and parts.groupdict():
        case {"gate": "gate", "partner": str(partner), "gate_id": str(gate)}:
            return Principal("gate", gate, partner, frozenset({"GATE"}))
        case {"kind": "partner", "id": str(partner)}:
            return Principal("partner", partner, partner, frozenset({"PARTNER"}))
        case {"kind": "service", "id": str(service)}:
            return Principal("service", service, None, frozenset({"SERVICE"}))
        case {"kind": "officer", "id": str(officer)}:  # roles are data, not part of the certificate
            return Principal("officer", officer, None, frozenset())
        case _:
            return None


_current: ContextVar[Principal] = ContextVar("principal")


def current_principal() -> Principal:
    """The caller of the RPC that runs; `LookupError` outside of one."""
    return _current.get()


def set_principal(principal: Principal) -> None:
    """Make this the caller for the rest of the current task."""
    _current.set(principal)


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Make this the caller inside the block."""
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)
