"""Settings of a process: the variables it reads, their types, and one report of all errors.

The values of variables are never printed: some hold passwords.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, FilePath, ValidationError, model_validator

from chassis.renamed_settings import RenamedVariable, values_under_old_names
from chassis.rpc.certificates import CertificateFiles
from chassis.rpc.limits_file import read_limits
from chassis.rpc.officers import Officers, OfficersFileError
from chassis.rpc.page_tokens import PageTokens, read_keys
from chassis.rpc.partners import Partners, read_partners
from chassis.setting_types import (
    PREFIX,
    ListenAddress,
    OtlpEndpoint,
    PostgresUrl,
    ServerAddresses,
    Settings,
    TraceUrlTemplate,
    variable,
)
from chassis.transport.brokers import Bootstrap
from chassis.transport.settings import DatabaseTlsSettings, KafkaTlsSettings
from chassis.unknown_settings import UnknownVariable, unknown_variables

__all__ = [
    "EXIT_CODE",
    "PREFIX",
    "MigrationSettings",
    "ServiceSettings",
    "Settings",
    "load",
    "old_names_in_use",
    "renamed_variables",
    "variable",
]

EXIT_CODE: Final = 2
"""Exit code of a process with invalid settings. A supervisor need not start it again."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _readable_by(read: Callable[[Path], object]) -> AfterValidator:
    """Returns the check that `read` accepts the file: it raises ValueError if not."""

    def check(path: Path) -> Path:
        try:
            read(path)
        except ValueError as fault:
            raise ValueError(f"cannot be used: {fault}") from None
        return path

    return AfterValidator(check)


def _read_page_token_keys(path: Path) -> PageTokens:
    return PageTokens(read_keys(path.read_bytes()))


class MigrationSettings(DatabaseTlsSettings):
    """Settings of the commands `migrate` and `rebuild`."""

    database_owner_url: PostgresUrl = variable(
        "postgresql://owner:password@127.0.0.1:5432/applications"
    )
    database_app_role: Annotated[str, Field(pattern="^[a-z_][a-z0-9_]{0,62}$")] = variable(
        "applications_app"
    )
    log_level: LogLevel = variable("INFO", default="INFO")


class ServiceSettings(DatabaseTlsSettings, KafkaTlsSettings):
    """Settings of the command `serve`. A service with settings of its own derives a class."""

    database_url: PostgresUrl = variable(
        "postgresql://applications_app:password@127.0.0.1:5432/applications"
    )
    kafka_bootstrap_servers: ServerAddresses = variable(
        "127.0.0.1:9092", old_name="KAFKA_BOOTSTRAP"
    )
    grpc_listen_address: ListenAddress = variable("127.0.0.1:7001", old_name="GRPC_BIND")
    health_listen_address: ListenAddress = variable("127.0.0.1:7002", old_name="OPS_BIND")
    metrics_listen_address: ListenAddress = variable("127.0.0.1:7003", old_name="METRICS_BIND")
    tls_certificate_file: FilePath = variable("/etc/safeconduct/tls.crt", old_name="TLS_CERT")
    tls_private_key_file: FilePath = variable("/etc/safeconduct/tls.key", old_name="TLS_KEY")
    tls_client_ca_file: FilePath = variable("/etc/safeconduct/ca.crt", old_name="TLS_CA")
    spiffe_trust_domain: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,254}$")] = variable(
        "safeconduct.example", default="safeconduct.example", old_name="TRUST_DOMAIN"
    )
    officers_file: Annotated[FilePath, _readable_by(Officers)] = variable(
        "/etc/safeconduct/officers.yaml"
    )
    partners_file: Annotated[FilePath, _readable_by(read_partners)] | None = variable(
        "/etc/safeconduct/partners.yaml", default=None
    )
    page_token_keys_file: Annotated[FilePath, _readable_by(_read_page_token_keys)] = variable(
        "/etc/safeconduct/page-token.keys", old_name="PAGE_TOKEN_KEY_FILE"
    )
    limits_file: Annotated[FilePath, _readable_by(read_limits)] | None = variable(
        "/etc/safeconduct/limits.yaml", default=None
    )
    otlp_endpoint: OtlpEndpoint | None = variable("http://127.0.0.1:4317", default=None)
    trace_url_template: TraceUrlTemplate | None = variable(
        "http://127.0.0.1:8000/#trace={trace_id}", default=None
    )
    log_level: LogLevel = variable("INFO", default="INFO")
    drain_seconds: Annotated[float, Field(ge=0, le=60)] = variable("5", default=5.0)
    """Seconds after SIGTERM in which new calls are still answered.

    The process is not ready meanwhile. A cluster needs some seconds until all its nodes know that.
    """
    finish_seconds: Annotated[float, Field(ge=0, le=60)] = variable("10", default=10.0)
    """Seconds after the drain in which calls that run may finish. A client's default deadline."""

    @model_validator(mode="after")
    def _certificate_and_key_belong_together(self) -> Self:
        try:
            self.tls.check()
        except ValueError as fault:
            names = ", ".join(
                f"{PREFIX}{name}"
                for name in ("TLS_CERTIFICATE_FILE", "TLS_PRIVATE_KEY_FILE", "TLS_CLIENT_CA_FILE")
            )
            raise ValueError(
                f"{names}: {fault}; for example those issued together by one authority"
            ) from None
        return self

    @model_validator(mode="after")
    def _affiliations_are_partners(self) -> Self:
        try:
            Officers(self.officers_file, Partners(self.partners_file).has)
        except OfficersFileError as fault:
            raise ValueError(f"{PREFIX}OFFICERS_FILE cannot be used: {fault}") from None
        return self

    @property
    def kafka(self) -> Bootstrap:
        """Returns the brokers, and how this service proves to them who it is."""
        return self.brokers(self.kafka_bootstrap_servers)

    @property
    def listen_addresses(self) -> dict[str, str]:
        """Returns the addresses that this process binds, by the whole names of their variables."""
        return {
            f"{PREFIX}{name.upper()}": getattr(self, name)
            for name in type(self).model_fields
            if name.endswith("_listen_address")
        }

    @property
    def tls(self) -> CertificateFiles:
        """Returns the three files of the gRPC port."""
        return CertificateFiles(
            self.tls_certificate_file, self.tls_private_key_file, self.tls_client_ca_file
        )


S = TypeVar("S", bound=Settings)


def load(settings: type[S], *others: type[Settings]) -> S:
    """Returns the settings from the environment.

    If any is missing, invalid or misspelled, prints all errors to standard error and exits with
    code 2. `others` are read by other commands from the same environment.
    """
    renamed = renamed_variables(settings)
    by_old_name = values_under_old_names(renamed, os.environ)
    errors = [each.contradiction for each in renamed if each.is_contradicted(os.environ)]
    errors += [each.text for each in _unknown(settings, *others) if each.like is not None]
    loaded: S | None = None
    try:
        loaded = settings(**by_old_name)
    except ValidationError as error:
        old_names = {each.field: each.old for each in renamed if each.field in by_old_name}
        errors += [
            _line(settings, dict(fault), old_names)
            for fault in error.errors(include_url=False, include_input=False)
        ]
    if loaded is None or errors:
        heading = (
            "1 setting is missing or invalid:"
            if len(errors) == 1
            else f"{len(errors)} settings are missing or invalid:"
        )
        print(heading, *errors, sep="\n  ", file=sys.stderr)
        raise SystemExit(EXIT_CODE)
    return loaded


def renamed_variables(settings: type[Settings]) -> tuple[RenamedVariable, ...]:
    """Returns the fields of `settings` that have an old name."""
    return tuple(
        RenamedVariable(name, f"{PREFIX}{extra['old_name']}", f"{PREFIX}{name.upper()}")
        for name, field in settings.model_fields.items()
        if isinstance(extra := field.json_schema_extra, dict) and "old_name" in extra
    )


def old_names_in_use(settings: type[Settings]) -> tuple[RenamedVariable, ...]:
    """Returns the variables that the environment still sets under their old names."""
    return tuple(each for each in renamed_variables(settings) if each.is_used(os.environ))


def unknown_in_use(*settings: type[Settings]) -> tuple[UnknownVariable, ...]:
    """Returns the variables with our prefix that are like no setting. They are ignored."""
    return tuple(each for each in _unknown(*settings) if each.like is None)


def _unknown(*settings: type[Settings]) -> tuple[UnknownVariable, ...]:
    fields = {f"{PREFIX}{name.upper()}" for each in settings for name in each.model_fields}
    old = {variable.old for each in settings for variable in renamed_variables(each)}
    return unknown_variables(PREFIX, fields | old, os.environ)


def _line(settings: type[Settings], fault: Mapping[str, Any], old_names: Mapping[str, str]) -> str:
    if not fault["loc"]:
        return str(fault["msg"].removeprefix("Value error, "))
    field = str(fault["loc"][0])
    name = f"{PREFIX}{field.upper()}"
    if field in old_names:
        name += f" (set under its old name {old_names[field]})"
    (example,) = settings.model_fields[field].examples or [""]
    return f"{name} {_problem(fault)}; for example {example}"


def _problem(fault: Mapping[str, Any]) -> str:
    match fault["type"]:
        case "missing":
            return "is missing"
        case "path_not_file":
            return "names no file that exists"
        case "string_pattern_mismatch":
            return "has characters that are not accepted"
        case "float_parsing":
            return "is not a number"
        case "url_parsing":
            return f"is not a valid URL ({fault['ctx']['error']})"
        case "url_scheme":
            return f"has another scheme than {fault['ctx']['expected_schemes']}"
        case _:
            message = fault["msg"].removeprefix("Value error, ")
            return str(message.replace("Input should", "should"))
