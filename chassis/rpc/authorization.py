"""The callers that a method admits, from the contract's option `safeconduct.options.v1.access`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from safeconduct.options.v1 import options_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import CommonReason, RpcError

_PREFIX: Final = "ROLE_"
_SERVICE: Final = "SERVICE"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The callers that a method admits: the access option of its contract, without prefixes.

    `services` are the names of the services that may call, if SERVICE is one of the roles.
    `active_partner` refuses a suspended partner.
    """

    roles: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    active_partner: bool = False


NOBODY: Final = AccessRule()
"""The rule of a method that no contract defines."""


def access_table(services: Iterable[str]) -> Mapping[str, AccessRule]:
    """Returns the rule of every method of these services, by path (`/package.Service/Method`).

    Raises ValueError with every service that no contract defines, and every method without a usable
    access option. A server with such a method must not start.
    """
    table: dict[str, AccessRule] = {}
    faults: list[str] = []
    for service in services:
        try:
            methods = descriptor_pool.Default().FindServiceByName(service).methods
        except KeyError:
            faults.append(f"no contract defines the service {service}")
            continue
        for method in methods:
            table[f"/{service}/{method.name}"] = rule = _rule(method)
            if not rule.roles:
                faults.append(
                    f"{service}.{method.name} has no roles (option safeconduct.options.v1.access)"
                )
            elif (_SERVICE in rule.roles) != bool(rule.services):
                faults.append(
                    f"{service}.{method.name} must name services if it admits ROLE_SERVICE"
                )
    if faults:
        raise ValueError("; ".join(faults))
    return table


def _rule(method: MethodDescriptor) -> AccessRule:
    """Returns the rule; without roles if any number is 0 or unknown to this release."""
    access = method.GetOptions().Extensions[options_pb2.access]
    known = options_pb2.Role.DESCRIPTOR.values_by_number
    if any(number == 0 or number not in known for number in access.roles):
        return NOBODY
    roles = frozenset(known[number].name.removeprefix(_PREFIX) for number in access.roles)
    return AccessRule(roles, frozenset(access.services), access.active_partner)


def anyone_with_a_role(services: Iterable[str]) -> AccessRule:
    """Returns the rule of a method for every role, and for these services only."""
    values = options_pb2.Role.DESCRIPTOR.values
    roles = frozenset(value.name.removeprefix(_PREFIX) for value in values if value.number)
    return AccessRule(roles, frozenset(services))


def authorize(principal: Principal, rule: AccessRule) -> None:
    """Raises RpcError ROLE_MISSING or PARTNER_SUSPENDED unless the rule admits the principal.

    A service that the rule does not name counts as a caller without the role SERVICE.
    """
    is_service = principal.kind == "service"
    if principal.roles.isdisjoint(rule.roles) or (is_service and principal.id not in rule.services):
        needed = ", ".join(sorted(rule.roles))
        message = f"the method needs one of these roles: {needed}"
        if is_service:
            message += f"; of services it admits: {', '.join(sorted(rule.services)) or 'none'}"
        raise RpcError(
            grpc.StatusCode.PERMISSION_DENIED, CommonReason.ROLE_MISSING, message, {"roles": needed}
        )
    if rule.active_partner and principal.is_suspended:
        raise RpcError(
            grpc.StatusCode.PERMISSION_DENIED,
            CommonReason.PARTNER_SUSPENDED,
            "the partner registry has suspended this partner; it can read, report and withdraw",
            {"partnerId": principal.partner_id or ""},
        )
