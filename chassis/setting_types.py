"""The base of settings, and types that pydantic does not bring: addresses, database URLs.

A validator raises ValueError with the end of a sentence that begins with the variable's name. The
message never quotes the value, because a value may hold a password.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, AnyHttpUrl, AnyUrl, Field, PostgresDsn, UrlConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "SAFECONDUCT_"
_HTTP_PORT: Final = 80


def variable(
    example: str,
    *,
    default: Any = ...,
    old_name: str | None = None,
) -> Any:
    """Returns the declaration of one variable.

    Errors show `example`, and `repr` leaves the value out. `old_name` (without the prefix) is still
    read for one release.
    """
    return Field(
        default=default,
        examples=[example],
        repr=False,
        json_schema_extra={"old_name": old_name} if old_name else None,
    )


class Settings(BaseSettings):
    """Base of all settings. Only the environment is read. An empty variable is not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )


def host_and_port(address: str) -> tuple[str, int]:
    """Returns host and port of `host:port`.

    An IPv6 host is written in brackets (`[::1]:7001`) and returned without them.
    Raises ValueError if the text has any other form, for instance a path or no port.
    """
    try:
        url = AnyUrl(f"tcp://{address}")
    except ValueError:
        url = None
    # Everything else that a URL may have (user, path, spaces around it) makes the two texts differ.
    if url is None or url.host is None or url.port is None or f"{url.host}:{url.port}" != address:
        raise ValueError("is not host:port with a port up to 65535")
    return url.host.strip("[]"), url.port


def _check_address(address: str) -> str:
    host_and_port(address)
    return address


def _check_server_addresses(addresses: str) -> str:
    for address in addresses.split(","):
        if host_and_port(address)[1] == 0:
            raise ValueError("has port 0; only a server may bind to any free port")
    return addresses


def _check_database(url: PostgresDsn) -> PostgresDsn:
    if not (url.path or "").strip("/"):
        raise ValueError("names no database; write postgresql://user:password@host:port/database")
    if any(host["port"] == 0 for host in url.hosts()):
        raise ValueError("has port 0")
    return url


def _check_otlp_endpoint(url: AnyHttpUrl) -> AnyHttpUrl:
    if (url.path or "").strip("/"):
        raise ValueError("has a path; OTLP over gRPC takes http://host:port")
    # A URL without a port means port 80, where no collector listens: the port was forgotten.
    if url.port == _HTTP_PORT:
        raise ValueError("has no port; OTLP over gRPC takes http://host:port")
    return url


def _check_trace_template(template: str) -> str:
    if "{trace_id}" not in template:
        raise ValueError("does not contain {trace_id}, the place of the trace's id")
    return template


ListenAddress = Annotated[str, AfterValidator(_check_address)]
"""`host:port` that a server binds to. Port 0 is any free port."""
ServerAddresses = Annotated[str, AfterValidator(_check_server_addresses)]
"""`host:port[,host:port]` of servers that a client connects to."""
# asyncpg understands these two schemes, PostgresDsn also those of other drivers.
PostgresUrl = Annotated[
    PostgresDsn,
    UrlConstraints(allowed_schemes=["postgresql", "postgres"]),
    AfterValidator(_check_database),
]
"""DSN with a host and a database. It may name several hosts."""
OtlpEndpoint = Annotated[AnyHttpUrl, AfterValidator(_check_otlp_endpoint)]
"""`http://host:port` or `https://host[:port]` of an OTLP receiver that speaks gRPC."""
TraceUrlTemplate = Annotated[str, AfterValidator(_check_trace_template)]
"""Address of a page that shows the trace `{trace_id}`."""
