"""Settings of TLS to Kafka and PostgreSQL, which services and operators' commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, FilePath, model_validator

from chassis.setting_types import PREFIX, Settings, variable
from chassis.transport.brokers import Bootstrap, Brokers, Password
from chassis.transport.renewed_tls import TlsFiles

_WEAK: Final = ("sslmode=disable", "sslmode=allow", "sslmode=prefer")


class DatabaseTlsSettings(Settings):
    """TLS to PostgreSQL: with an authority every connection is checked as verify-full."""

    database_ca_file: FilePath | None = variable("/etc/safeconduct/database-ca.crt", default=None)
    database_certificate_file: FilePath | None = variable(
        "/etc/safeconduct/database.crt", default=None
    )
    database_private_key_file: FilePath | None = variable(
        "/etc/safeconduct/database.key", default=None
    )

    @model_validator(mode="after")
    def _database_files_belong_together(self) -> Self:
        _check_files(
            "DATABASE",
            self.database_ca_file,
            self.database_certificate_file,
            self.database_private_key_file,
        )
        for name in ("database_url", "database_owner_url"):
            url = str(getattr(self, name, ""))
            if self.database_ca_file and any(mode in url for mode in _WEAK):
                raise ValueError(
                    f"{PREFIX}{name.upper()} switches TLS off by its sslmode, but"
                    f" {PREFIX}DATABASE_CA_FILE demands it; leave sslmode out"
                )
        return self

    @property
    def database_tls(self) -> TlsFiles | None:
        """Returns the files of the connections to PostgreSQL; None if they have no TLS."""
        if self.database_ca_file is None:
            return None
        return TlsFiles(
            self.database_ca_file, self.database_certificate_file, self.database_private_key_file
        )


class KafkaTlsSettings(Settings):
    """TLS to Kafka, with a client certificate or with a user of SASL SCRAM-SHA-512."""

    kafka_ca_file: FilePath | None = variable("/etc/safeconduct/kafka-ca.crt", default=None)
    kafka_certificate_file: FilePath | None = variable("/etc/safeconduct/kafka.crt", default=None)
    kafka_private_key_file: FilePath | None = variable("/etc/safeconduct/kafka.key", default=None)
    kafka_user: Annotated[str, Field(min_length=1, max_length=255)] | None = variable(
        "applications", default=None
    )
    kafka_password_file: FilePath | None = variable("/etc/safeconduct/kafka.password", default=None)

    @model_validator(mode="after")
    def _kafka_settings_belong_together(self) -> Self:
        _check_files(
            "KAFKA", self.kafka_ca_file, self.kafka_certificate_file, self.kafka_private_key_file
        )
        user, password = f"{PREFIX}KAFKA_USER", f"{PREFIX}KAFKA_PASSWORD_FILE"
        if (self.kafka_user is None) != (self.kafka_password_file is None):
            raise ValueError(f"{user} and {password} are only useful together; set both or neither")
        if self.kafka_user is not None and self.kafka_ca_file is None:
            raise ValueError(
                f"{user} needs TLS, or the network could read along; set {PREFIX}KAFKA_CA_FILE"
            )
        if self.kafka_user is not None and self.kafka_certificate_file is not None:
            raise ValueError(
                f"{user} and {PREFIX}KAFKA_CERTIFICATE_FILE are two identities; set one of them"
            )
        if self.kafka_ca_file and not (self.kafka_user or self.kafka_certificate_file):
            raise ValueError(
                f"{PREFIX}KAFKA_CA_FILE alone tells no broker who we are; also set"
                f" {PREFIX}KAFKA_CERTIFICATE_FILE and {PREFIX}KAFKA_PRIVATE_KEY_FILE, or {user}"
            )
        return self

    def brokers(self, addresses: str) -> Bootstrap:
        """Returns the brokers at these addresses, with the TLS of these settings, if any."""
        if self.kafka_ca_file is None:
            return addresses
        password = (
            Password(self.kafka_user, self.kafka_password_file)
            if self.kafka_user and self.kafka_password_file
            else None
        )
        files = TlsFiles(
            self.kafka_ca_file, self.kafka_certificate_file, self.kafka_private_key_file
        )
        return Brokers(addresses, files, password)


def _check_files(part: str, ca: Path | None, cert: Path | None, key: Path | None) -> None:
    """Raises ValueError with one sentence unless the files of `part` make a whole."""
    names = [f"{PREFIX}{part}_{name}_FILE" for name in ("CA", "CERTIFICATE", "PRIVATE_KEY")]
    if (cert is None) != (key is None):
        raise ValueError(f"{names[1]} and {names[2]} are only useful together; set both or neither")
    if ca is None:
        if cert is not None:
            raise ValueError(f"{names[1]} needs {names[0]}, the authority of the server")
        return
    try:
        TlsFiles(ca, cert, key).context()
    except ValueError as fault:
        raise ValueError(f"{', '.join(names)}: {fault}") from None
