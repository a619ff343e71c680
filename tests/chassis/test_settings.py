from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chassis.settings import MigrationSettings, ServiceSettings, load
from infra.local import certificate_authority as ca
from tests.chassis.environment import URL, complete_environment, errors_of


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in complete_environment(tmp_path).items():
        monkeypatch.setenv(f"SAFECONDUCT_{name}", value)
    return monkeypatch


def test_a_full_environment_is_accepted(environment: pytest.MonkeyPatch) -> None:
    settings = load(ServiceSettings)

    assert (
        str(settings.database_url),
        settings.spiffe_trust_domain,
        settings.otlp_endpoint,
        settings.log_level,
    ) == (URL, "safeconduct.example", None, "INFO")


def test_the_repr_of_settings_holds_no_password(environment: pytest.MonkeyPatch) -> None:
    assert "swordfish" not in repr(load(ServiceSettings))


def test_all_errors_are_reported_at_once_with_an_example_each(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    environment.delenv("SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS")
    environment.setenv("SAFECONDUCT_DATABASE_URL", "mysql://app:swordfish@127.0.0.1/x")
    environment.setenv("SAFECONDUCT_GRPC_LISTEN_ADDRESS", "127.0.0.1:99999")
    environment.setenv("SAFECONDUCT_TLS_CLIENT_CA_FILE", str(tmp_path / "nowhere"))
    environment.setenv("SAFECONDUCT_LOG_LEVEL", "LOUD")
    first, *lines = errors_of(capsys)

    assert first == "5 settings are missing or invalid:"
    assert {
        "SAFECONDUCT_DATABASE_URL",
        "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS",
        "SAFECONDUCT_GRPC_LISTEN_ADDRESS",
        "SAFECONDUCT_TLS_CLIENT_CA_FILE",
        "SAFECONDUCT_LOG_LEVEL",
    } == {line.split()[0] for line in lines}
    assert all("; for example " in line for line in lines)
    assert "swordfish" not in "".join(lines)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "postgresql://127.0.0.1:5432"),
        ("DATABASE_URL", "postgresql://127.0.0.1:port/x"),
        ("DATABASE_URL", "postgresql://127.0.0.1:0/x"),
        ("DATABASE_URL", "postgresql+asyncpg://127.0.0.1/x"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:0"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092,"),
        ("GRPC_LISTEN_ADDRESS", "7001"),
        ("HEALTH_LISTEN_ADDRESS", "127.0.0.1:7001 "),
        ("HEALTH_LISTEN_ADDRESS", "127.0.0.1:7001/live"),
        ("HEALTH_LISTEN_ADDRESS", "somebody@127.0.0.1:7001"),
        ("SPIFFE_TRUST_DOMAIN", "Safeconduct.example"),
        ("OTLP_ENDPOINT", "127.0.0.1:4317"),
        ("OTLP_ENDPOINT", "http://127.0.0.1"),
        ("OTLP_ENDPOINT", "http://127.0.0.1:4317/v1/traces"),
        ("TRACE_URL_TEMPLATE", "http://127.0.0.1/"),
        ("DRAIN_SECONDS", "soon"),
        ("DRAIN_SECONDS", "61"),
    ],
)
def test_an_invalid_value_is_reported_with_the_name_of_its_variable(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: Any, value: Any
) -> None:
    environment.setenv(f"SAFECONDUCT_{variable}", value)
    (_, line) = errors_of(capsys)

    assert line.startswith(f"  SAFECONDUCT_{variable} ")


def test_a_short_key_file_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    (tmp_path / "short").write_bytes(b"x" * 31)
    environment.setenv("SAFECONDUCT_PAGE_TOKEN_KEYS_FILE", str(tmp_path / "short"))

    assert "has 31 bytes; at least 32 are needed" in errors_of(capsys)[1]


def test_an_invalid_officers_file_is_reported_with_the_place_of_the_fault(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    (tmp_path / "officers.yaml").write_text("officers: [{id: a, roles: [KING], tier: 1}]")

    assert "officers.0.roles.0" in errors_of(capsys)[1]


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        ("partners: [{id: a}]", "partners.0.state"),
        (
            "partners: [{id: example-2, state: ACTIVE}]",
            "SAFECONDUCT_OFFICERS_FILE cannot be used: ",
        ),
    ],
)
def test_a_partner_registry_that_is_invalid_or_lacks_an_officers_partner_is_reported(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Any,
    registry: str,
    words: str,
) -> None:
    officers = "officers: [{id: a, roles: [], tier: 1, affiliation: example-1}]"
    (tmp_path / "officers.yaml").write_text(officers)
    (tmp_path / "partners.yaml").write_text(registry)
    environment.setenv("SAFECONDUCT_PARTNERS_FILE", str(tmp_path / "partners.yaml"))

    assert words in errors_of(capsys)[1]


def test_a_key_of_another_certificate_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    other = ca.issue(tmp_path, "other", "spiffe://safeconduct.example/service/screening")
    environment.setenv("SAFECONDUCT_TLS_PRIVATE_KEY_FILE", str(other.key))

    assert "are not one certificate" in errors_of(capsys)[1]


def test_migrate_needs_only_its_own_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAFECONDUCT_DATABASE_APP_ROLE", "app; drop table stream")
    lines = errors_of(capsys, MigrationSettings)[1:]

    assert [line.split()[0] for line in lines] == [
        "SAFECONDUCT_DATABASE_OWNER_URL",
        "SAFECONDUCT_DATABASE_APP_ROLE",
    ]
