"""Roles that may call a method, from the contract's option `safeconduct.options.v1.access`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from safeconduct.options.v1 import options_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import CommonReason, RpcError

_PREFIX = "ROLE_"


def access_table(services: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Returns the roles of every method of these services, by path (`/package.Service/Method`).

    Raises ValueError with every service that no contract defines, and every method without a usable
    access option. A server with such a method must not start.
    """
    table: dict[str, frozenset[str]] = {}
    faults: list[str] = []
    for service in services:
        try:
            methods = descriptor_pool.Default().FindServiceByName(service).methods
        except KeyError:
            faults.append(f"no contract defines the service {service}")
            continue
        for method in methods:
            roles = _roles(method)
            table[f"/{service}/{method.name}"] = roles
            if not roles:
                faults.append(
                    f"{service}.{method.name} has no roles (option safeconduct.options.v1.access)"
                )
    if faults:
        raise ValueError("; ".join(faults))
    return table


def _roles(method: MethodDescriptor) -> frozenset[str]:
    """Returns names without the prefix; none if any number is 0 or unknown to this release."""
    numbers = method.GetOptions().Extensions[options_pb2.access].roles
    known = options_pb2.Role.DESCRIPTOR.values_by_number
    if any(number == 0 or number not in known for number in numbers):
        return frozenset()
    return frozenset(known[number].name.removeprefix(_PREFIX) for number in numbers)


def every_role() -> frozenset[str]:
    """Returns all roles, for a method of anyone who has a role at all."""
    values = options_pb2.Role.DESCRIPTOR.values
    return frozenset(value.name.removeprefix(_PREFIX) for value in values if value.number)


def authorize(principal: Principal, roles: frozenset[str]) -> None:
    """Raises RpcError ROLE_MISSING unless the principal has one of these roles."""
    if principal.roles.isdisjoint(roles):
        needed = ", ".join(sorted(roles))
        message = f"the method needs one of these roles: {needed}"
        raise RpcError(
            grpc.StatusCode.PERMISSION_DENIED, CommonReason.ROLE_MISSING, message, {"roles": needed}
        )
