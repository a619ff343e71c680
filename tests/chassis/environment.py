"""A complete environment of a service, and the errors that its settings report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chassis.settings import ServiceSettings, load
from infra.local import certificate_authority as ca

URL = "postgresql://app:swordfish@127.0.0.1:5432/applications"


def complete_environment(folder: Path) -> dict[str, str]:
    """Returns valid values of all settings that have no default, by name without the prefix."""
    identity = ca.issue(folder, "server", "spiffe://safeconduct.example/service/applications")
    officers = folder / "officers.yaml"
    officers.write_text("officers: [{id: licensing-1, roles: [LICENSING_OFFICER], tier: 2}]")
    return {
        "DATABASE_URL": URL,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092,127.0.0.1:9093",
        "GRPC_LISTEN_ADDRESS": "127.0.0.1:0",
        "HEALTH_LISTEN_ADDRESS": "127.0.0.1:0",
        "METRICS_LISTEN_ADDRESS": "[::1]:0",
        "TLS_CERTIFICATE_FILE": str(identity.cert),
        "TLS_PRIVATE_KEY_FILE": str(identity.key),
        "TLS_CLIENT_CA_FILE": str(identity.ca),
        "OFFICERS_FILE": str(officers),
        "PAGE_TOKEN_KEYS_FILE": str(ca.page_token_key(folder, "applications")),
        "OTLP_ENDPOINT": "",
    }


def errors_of(capsys: pytest.CaptureFixture[str], settings: Any = ServiceSettings) -> list[str]:
    """Returns the lines that a start with invalid settings prints, the heading first."""
    with pytest.raises(SystemExit) as caught:
        load(settings)
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()
