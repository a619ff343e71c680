"""Names why no broker can be used at the start of a process. Kafka's clients only try again."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never

import structlog
from aiokafka import errors
from aiokafka.conn import create_conn

from chassis.setting_types import host_and_port
from chassis.start_fault import ExitCode, StartFault

_LOG = structlog.get_logger("streams")
SETTING: Final = "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"
_TIMEOUT_MS: Final = 5_000
_PAUSE_S: Final = 2.0

Options = Mapping[str, Any]
"""Arguments of an aiokafka client: `bootstrap_servers`, and those of TLS and SASL."""


@dataclass(frozen=True, slots=True)
class BrokerFault:
    """Why no broker can be used. Waiting does not help if it `is_final`."""

    cause: str
    is_final: bool


async def find_broker_fault(options: Options) -> BrokerFault | None:
    """Returns None if one of the brokers answers as Kafka does, else why none does."""
    connecting = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    found: dict[str, BrokerFault] = {}
    for address in options["bootstrap_servers"].split(","):
        host, port = host_and_port(address)
        try:
            connection = await create_conn(host, port, request_timeout_ms=_TIMEOUT_MS, **connecting)
        except Exception as error:  # noqa: BLE001 - each is a reason why the broker cannot be used
            found[address] = _fault_of(error)
        else:
            connection.close()
            return None
    return BrokerFault(
        "; ".join(f"{address} {fault.cause}" for address, fault in found.items()),
        all(fault.is_final for fault in found.values()),
    )


async def report_broker_faults(options: Callable[[], Options], pause_s: float = _PAUSE_S) -> Never:
    """Logs each new reason why no broker can be used, until the first one answers. Never returns.

    Raises StartFault if waiting does not help. After the first answer the clients report for
    themselves: a broker that is lost later is no fault of a setting.
    """
    logged = ""
    while (fault := await find_broker_fault(options())) is not None:
        if fault.is_final:
            raise StartFault(SETTING, fault.cause, ExitCode.BROKER_REFUSES)
        if fault.cause != logged:
            _LOG.warning("no broker can be used yet", setting=SETTING, cause=fault.cause)
            logged = fault.cause
        await asyncio.sleep(pause_s)
    while True:
        await asyncio.Event().wait()


def _fault_of(error: BaseException) -> BrokerFault:
    match error:
        case socket.gaierror():
            return BrokerFault("has a host name that cannot be resolved", is_final=False)
        case ssl.SSLCertVerificationError():
            message = f"shows a certificate that is not accepted: {error.verify_message}"
            return BrokerFault(message, is_final=True)
        case ssl.SSLError():
            message = f"does not complete the TLS handshake ({error.reason})"
            return BrokerFault(message, is_final=True)
        case errors.AuthenticationFailedError() | errors.SaslAuthenticationFailed():
            return BrokerFault("refuses the user or the password", is_final=True)
        case errors.UnsupportedSaslMechanismError() | errors.IllegalSaslStateError():
            return BrokerFault("does not offer SASL with the mechanism that is set", is_final=True)
        case ConnectionRefusedError():
            return BrokerFault("accepts no connection: nothing listens there", is_final=False)
        case TimeoutError():
            return BrokerFault(f"does not answer within {_TIMEOUT_MS // 1000} s", is_final=False)
        case errors.KafkaConnectionError() | ConnectionError() | asyncio.IncompleteReadError():
            message = "closes the connection: is it a Kafka listener, and one with these TLS files?"
            return BrokerFault(message, is_final=False)
        case _:
            return BrokerFault(f"cannot be used ({type(error).__name__})", is_final=False)
