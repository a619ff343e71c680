"""Whose service this is: load goes to this machine, unless somebody says that the target is theirs."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from operations.complaints import Unusable

_SCHEMES: Final = ("dns:///", "dns:", "ipv4:", "ipv6:")


def is_loopback(target: str) -> bool:
    """Whether every address of a gRPC target (`host:port`, several with commas) is on this machine."""
    if target.startswith("unix:"):
        return True
    rest = next(
        (target.removeprefix(scheme) for scheme in _SCHEMES if target.startswith(scheme)), target
    )
    return all(_is_here(address) for address in rest.split(","))


def check_target(target: str, *, is_owned: bool) -> None:
    """Raises Unusable for a target elsewhere that nobody said is theirs."""
    if not is_owned and not is_loopback(target):
        raise Unusable(
            "FOREIGN_TARGET",
            f"{target} is not on this machine",
            "load can keep others from being served: say --i-own-this-target if it is yours",
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
