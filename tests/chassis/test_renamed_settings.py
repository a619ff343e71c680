from __future__ import annotations

from pathlib import Path

import pytest

from chassis.settings import ServiceSettings, load, old_names_in_use
from tests.chassis.environment import complete_environment, errors_of


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in complete_environment(tmp_path).items():
        monkeypatch.setenv(f"SAFECONDUCT_{name}", value)
    return monkeypatch


def test_a_setting_under_its_old_name_is_still_read_and_reported(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("SAFECONDUCT_GRPC_LISTEN_ADDRESS")
    environment.setenv("SAFECONDUCT_GRPC_BIND", "127.0.0.1:7001")

    settings = load(ServiceSettings)
    (renamed,) = old_names_in_use(ServiceSettings)

    assert settings.grpc_listen_address == "127.0.0.1:7001"
    assert renamed.warning == (
        "SAFECONDUCT_GRPC_BIND is now called SAFECONDUCT_GRPC_LISTEN_ADDRESS; "
        "the next release will not read the old name"
    )


def test_no_old_name_is_reported_when_only_new_names_are_set(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SAFECONDUCT_GRPC_BIND", "")

    assert old_names_in_use(ServiceSettings) == ()


def test_an_old_and_a_new_name_may_have_the_same_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SAFECONDUCT_GRPC_BIND", "127.0.0.1:0")

    assert load(ServiceSettings).grpc_listen_address == "127.0.0.1:0"
    assert [each.old for each in old_names_in_use(ServiceSettings)] == ["SAFECONDUCT_GRPC_BIND"]


def test_different_values_under_an_old_and_a_new_name_are_an_error_that_names_both(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SAFECONDUCT_GRPC_BIND", "127.0.0.1:7001")
    environment.setenv("SAFECONDUCT_LOG_LEVEL", "LOUD")
    heading, contradiction, other = errors_of(capsys)

    assert heading == "2 settings are missing or invalid:"
    assert contradiction == (
        "  SAFECONDUCT_GRPC_LISTEN_ADDRESS and SAFECONDUCT_GRPC_BIND, its old name, "
        "have different values; set only SAFECONDUCT_GRPC_LISTEN_ADDRESS"
    )
    assert other.startswith("  SAFECONDUCT_LOG_LEVEL ")


def test_an_invalid_value_under_an_old_name_is_reported_with_both_names(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("SAFECONDUCT_GRPC_LISTEN_ADDRESS")
    environment.setenv("SAFECONDUCT_GRPC_BIND", "7001")
    heading, line = errors_of(capsys)

    assert heading == "1 setting is missing or invalid:"
    assert line == (
        "  SAFECONDUCT_GRPC_LISTEN_ADDRESS (set under its old name SAFECONDUCT_GRPC_BIND) "
        "is not host:port with a port up to 65535; for example 127.0.0.1:7001"
    )
