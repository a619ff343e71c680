"""What a process is told by its environment: every variable, what is accepted, and all faults in one go.

The values of variables are never printed: some hold passwords.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.rpc.authentication import Officers, OfficersFileError
from chassis.rpc.certificates import CertificateFiles
from chassis.rpc.page_tokens import MIN_KEY_BYTES

PREFIX: Final = "SAFECONDUCT_"
EXIT_CODE: Final = 2
"""Of a process whose settings cannot be used: starting it again does not help."""

_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
_ADDRESS: Final = re.compile(rf"({_HOST}):(\d{{1,5}})")
_MAX_PORT: Final = 65_535


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of `host:port`, an IPv6 host without its brackets; `ValueError` if it is something else."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or int(parts[2]) > _MAX_PORT:
        raise ValueError("is not host:port with a port up to 65535")
    return parts[1].strip("[]"), int(parts[2])


def _address(address: str) -> str:
    host_and_port(address)
    return address


def _addresses(addresses: str) -> str:
    for address in addresses.split(","):
        if host_and_port(address)[1] == 0:
            raise ValueError("has port 0; only a server may bind to any free port")
    return addresses


def _postgres(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = (
            parts.scheme in {"postgresql", "postgres"} and parts.path.strip("/") and parts.port != 0
        )
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not postgresql://user:password@host:port/database")
    return url


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.path.strip("/"):
        raise ValueError("is not http://host:port")
    host_and_port(parts.netloc)
    return url


def _trace_template(template: str) -> str:
    if "{trace_id}" not in template:
        raise ValueError("does not say where {trace_id} goes")
    return template


def _key_file(path: Path) -> Path:
    if (size := path.stat().st_size) < MIN_KEY_BYTES:
        raise ValueError(f"has {size} bytes; at least {MIN_KEY_BYTES} are needed")
    return path


def _officers_file(path: Path) -> Path:
    try:
        Officers.load(path)
    except OfficersFileError as fault:
        raise ValueError(f"cannot be used: {fault}") from None
    return path


Address = Annotated[str, AfterValidator(_address)]
PostgresUrl = Annotated[str, AfterValidator(_postgres)]


def _variable(example: str, *, default: Any = ...) -> Any:
    """A variable with the value that is shown when it is wrong; its own value stays out of every `repr`."""
    return Field(default=default, examples=[example], repr=False)


class Settings(BaseSettings):
    """Base of all settings: read from the environment only, an empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )


class MigrationSettings(Settings):
    """What `migrate` needs."""

    database_owner_url: PostgresUrl = _variable(
        "postgresql://owner:password@127.0.0.1:5432/applications"
    )
    database_app_role: Annotated[str, Field(pattern="^[a-z_][a-z0-9_]{0,62}$")] = _variable(
        "applications_app"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _variable("INFO", default="INFO")


class ServiceSettings(Settings):
    """What `serve` needs; a service that needs more derives its own class."""

    database_url: PostgresUrl = _variable(
        "postgresql://applications_app:password@127.0.0.1:5432/applications"
    )
    kafka_bootstrap: Annotated[str, AfterValidator(_addresses)] = _variable("127.0.0.1:9092")
    grpc_bind: Address = _variable("127.0.0.1:7001")
    ops_bind: Address = _variable("127.0.0.1:7002")
    metrics_bind: Address = _variable("127.0.0.1:7003")
    tls_cert: FilePath = _variable("/etc/safeconduct/tls.crt")
    tls_key: FilePath = _variable("/etc/safeconduct/tls.key")
    tls_ca: FilePath = _variable("/etc/safeconduct/ca.crt")
    trust_domain: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,254}$")] = _variable(
        "safeconduct.example", default="safeconduct.example"
    )
    officers_file: Annotated[FilePath, AfterValidator(_officers_file)] = _variable(
        "/etc/safeconduct/officers.yaml"
    )
    page_token_key_file: Annotated[FilePath, AfterValidator(_key_file)] = _variable(
        "/etc/safeconduct/page-token.key"
    )
    otlp_endpoint: Annotated[str, AfterValidator(_endpoint)] | None = _variable(
        "http://127.0.0.1:4317", default=None
    )
    trace_url_template: Annotated[str, AfterValidator(_trace_template)] | None = _variable(
        "http://127.0.0.1:8000/#trace={trace_id}", default=None
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _variable("INFO", default="INFO")
    drain_seconds: Annotated[float, Field(ge=0, le=60)] = _variable("5", default=1.0)
    """How long a service that is told to end still answers, so that balancers can look away first."""

    @model_validator(mode="after")
    def _certificate_and_key_belong_together(self) -> Self:
        try:
            self.tls.check()
        except ValueError as fault:
            names = ", ".join(f"{PREFIX}{name}" for name in ("TLS_CERT", "TLS_KEY", "TLS_CA"))
            raise ValueError(
                f"{names}: {fault}; for example those issued together by one authority"
            ) from None
        return self

    @property
    def tls(self) -> CertificateFiles:
        """The three files of the service port."""
        return CertificateFiles(self.tls_cert, self.tls_key, self.tls_ca)


S = TypeVar("S", bound=Settings)


def load(settings: type[S]) -> S:
    """The settings from the environment; if any is unusable, all faults go to standard error and the exit code is 2."""
    try:
        return settings()
    except ValidationError as error:
        lines = [
            _line(settings, dict(fault))
            for fault in error.errors(include_url=False, include_input=False)
        ]
        print(f"{len(lines)} setting(s) cannot be used:", *lines, sep="\n  ", file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None


def _line(settings: type[Settings], fault: Mapping[str, Any]) -> str:
    wrong = _IN_PLAIN_WORDS.get(
        fault["type"], fault["msg"].removeprefix("Value error, ").replace("Input should", "should")
    )
    if not fault["loc"]:
        return str(wrong)
    name = str(fault["loc"][0])
    examples = settings.model_fields[name].examples or [""]
    return f"{PREFIX}{name.upper()} {wrong}; for example {examples[0]}"


_IN_PLAIN_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "path_not_file": "names no file that exists",
    "string_pattern_mismatch": "has characters that are not accepted",
    "float_parsing": "is not a number",
}
