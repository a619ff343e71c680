"""Restricts a load test to this machine, unless the operator owns the target."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from operations.error_messages import InputError

_SCHEMES: Final = ("dns:///", "dns:", "ipv4:", "ipv6:")


def is_loopback(target: str) -> bool:
    """Returns whether all addresses of a gRPC target (`host:port`, ...) are on this machine."""
    if target.startswith("unix:"):
        return True
    rest = next(
        (target.removeprefix(scheme) for scheme in _SCHEMES if target.startswith(scheme)), target
    )
    return all(_is_here(address) for address in rest.split(","))


def check_target(target: str, *, is_owned: bool) -> None:
    """Raises InputError if the target is on another machine and not declared as owned."""
    if not is_owned and not is_loopback(target):
        raise InputError(
            "FOREIGN_TARGET",
            f"{target} is on another machine.",
            "A load test can make a service unavailable. If it is yours: --i-own-this-target.",
        )


def _is_here(address: str) -> bool:
    host, colon, _ = address.rpartition(":")
    host = (host if colon else address).strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
