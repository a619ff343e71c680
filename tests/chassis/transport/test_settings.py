"""Settings of TLS that are missing or do not belong together are refused with one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.settings import ServiceSettings, load
from chassis.transport.brokers import Brokers, Password
from infra.local import certificate_authority as ca
from tests.chassis.environment import URL, complete_environment, errors_of

CA, CERT, KEY = "CA_FILE", "CERTIFICATE_FILE", "PRIVATE_KEY_FILE"


class Environment:
    """A complete environment, to which settings of TLS are added."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch
        self.identity = ca.issue(folder, "client", "spiffe://safeconduct.example/service/samples")
        self.password = folder / "password"
        self.password.write_text("swordfish")
        self.values = {
            CA: str(self.identity.ca),
            CERT: str(self.identity.cert),
            KEY: str(self.identity.key),
            "USER": "samples",
            "PASSWORD_FILE": str(self.password),
        }
        for name, value in complete_environment(folder).items():
            monkeypatch.setenv(f"SAFECONDUCT_{name}", value)

    def add(self, part: str, *names: str) -> None:
        for name in names:
            self.patch.setenv(f"SAFECONDUCT_{part}_{name}", self.values[name])


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(tmp_path, monkeypatch)


def test_without_settings_nothing_has_tls(environment: Environment) -> None:
    settings = load(ServiceSettings)

    assert settings.database_tls is None
    assert settings.kafka == "127.0.0.1:9092,127.0.0.1:9093"


def test_a_client_certificate_or_a_user_is_who_we_are(environment: Environment) -> None:
    environment.add("KAFKA", CA, CERT, KEY)
    mutual = load(ServiceSettings).kafka
    for name in (CERT, KEY):
        environment.patch.delenv(f"SAFECONDUCT_KAFKA_{name}")
    environment.add("KAFKA", "USER", "PASSWORD_FILE")
    user = load(ServiceSettings).kafka

    assert isinstance(mutual, Brokers)
    assert (mutual.tls.cert, mutual.password) == (environment.identity.cert, None)
    assert isinstance(user, Brokers)
    assert user.password == Password("samples", environment.password)


def test_the_database_needs_an_authority_and_may_have_a_certificate(
    environment: Environment,
) -> None:
    environment.add("DATABASE", CA)
    only_authority = load(ServiceSettings).database_tls
    environment.add("DATABASE", CERT, KEY)
    both = load(ServiceSettings).database_tls

    assert only_authority is not None
    assert only_authority.cert is None
    assert both is not None
    assert both.cert == environment.identity.cert


@pytest.mark.parametrize(
    ("part", "names", "sentence"),
    [
        ("KAFKA", (CA,), "SAFECONDUCT_KAFKA_CA_FILE alone tells no broker who we are"),
        ("KAFKA", (CERT, KEY), "SAFECONDUCT_KAFKA_CERTIFICATE_FILE needs"),
        ("KAFKA", (CA, CERT), "are only useful together"),
        ("KAFKA", (CA, KEY), "are only useful together"),
        ("KAFKA", ("USER", "PASSWORD_FILE"), "SAFECONDUCT_KAFKA_USER needs TLS"),
        ("KAFKA", (CA, "USER"), "are only useful together"),
        ("KAFKA", (CA, "PASSWORD_FILE"), "are only useful together"),
        ("KAFKA", (CA, CERT, KEY, "USER", "PASSWORD_FILE"), "are two identities"),
        ("DATABASE", (CERT, KEY), "SAFECONDUCT_DATABASE_CERTIFICATE_FILE needs"),
        ("DATABASE", (CA, KEY), "are only useful together"),
    ],
)
def test_a_part_of_the_settings_is_refused(
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    part: str,
    names: tuple[str, ...],
    sentence: str,
) -> None:
    environment.add(part, *names)

    heading, *lines = errors_of(capsys)

    assert heading == "1 setting is missing or invalid:"
    assert len(lines) == 1
    assert sentence in lines[0]
    assert f"SAFECONDUCT_{part}_" in lines[0]


def test_a_url_that_switches_tls_off_contradicts_an_authority(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.add("DATABASE", CA)
    environment.patch.setenv("SAFECONDUCT_DATABASE_URL", f"{URL}?sslmode=prefer")

    _, line = errors_of(capsys)

    assert "SAFECONDUCT_DATABASE_URL switches TLS off" in line
    assert "swordfish" not in line


def test_a_file_that_is_no_certificate_is_refused(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.values[CA] = str(environment.password)
    environment.add("KAFKA", CA, CERT, KEY)

    _, line = errors_of(capsys)

    assert "SAFECONDUCT_KAFKA_CA_FILE" in line
    assert "PEM files" in line
