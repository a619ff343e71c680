"""Who may call which method: read once, at construction, from the contracts' option `safeconduct.options.v1.access`."""

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
    """The roles of every method of these services, by path (`/package.Service/Method`).

    `ValueError` names every method that has no usable access option, and every service that no contract defines.
    """
    table: dict[str, frozenset[str]] = {}
    faults: list[str] = []
    for service in services:
        try:
            methods = descriptor_pool.Default().FindServiceByName(service).methods
        except KeyError:
            faults.append(f"{service} is in no contract")
            continue
        for method in methods:
            roles = _roles(method)
            table[f"/{service}/{method.name}"] = roles
            if not roles:
                faults.append(
                    f"{service}.{method.name} does not say who may call it (option safeconduct.options.v1.access)"
                )
    if faults:
        raise ValueError("; ".join(faults))
    return table


def _roles(method: MethodDescriptor) -> frozenset[str]:
    """Names without the prefix; none at all if any is unspecified or unknown here."""
    numbers = method.GetOptions().Extensions[options_pb2.access].roles
    known = options_pb2.Role.DESCRIPTOR.values_by_number
    if any(number == 0 or number not in known for number in numbers):
        return frozenset()
    return frozenset(known[number].name.removeprefix(_PREFIX) for number in numbers)


def authorize(principal: Principal, roles: frozenset[str]) -> None:
    """`RpcError` ROLE_MISSING unless the principal holds one of these roles."""
    if principal.roles.isdisjoint(roles):
        wanted = ", ".join(sorted(roles))
        message = f"the method asks for one of these roles: {wanted}"
        raise RpcError(
            grpc.StatusCode.PERMISSION_DENIED, CommonReason.ROLE_MISSING, message, {"roles": wanted}
        )
