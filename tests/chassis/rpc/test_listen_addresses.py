"""An address that cannot be bound is named with its setting."""

from __future__ import annotations

import socket

import pytest

from chassis.rpc.listen_addresses import require_usable
from chassis.start_fault import ExitCode, StartFault


def test_free_addresses_are_usable_and_left_free() -> None:
    for _ in range(2):
        require_usable({"ONE": "127.0.0.1:0", "TWO": "[::1]:0"})


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartFault) as caught:
            require_usable({"ONE": "127.0.0.1:0", "TWO": address})

    assert str(caught.value) == f"TWO: {address} is in use by another process"
    assert caught.value.exit_code == ExitCode.PORT_UNUSABLE


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("no-such-host.invalid:7001", "has a host name that cannot be resolved"),
        ("192.0.2.1:7001", "cannot be bound: Cannot assign requested address"),
    ],
)
def test_an_address_of_another_machine_is_named(address: str, cause: str) -> None:
    with pytest.raises(StartFault) as caught:
        require_usable({"ONE": address})

    assert caught.value.cause == f"{address} {cause}"
