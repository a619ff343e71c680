from __future__ import annotations

import pytest

from chassis.unknown_settings import UnknownVariable, unknown_variables

KNOWN = ("SAFECONDUCT_LIMITS_FILE", "SAFECONDUCT_LOG_LEVEL", "SAFECONDUCT_GRPC_BIND")


def unknown(**environment: str) -> tuple[UnknownVariable, ...]:
    return unknown_variables("SAFECONDUCT_", KNOWN, environment)


def test_known_foreign_and_empty_variables_are_not_unknown() -> None:
    assert unknown(SAFECONDUCT_LOG_LEVEL="INFO", PATH="/", SAFECONDUCT_COLOUR="") == ()


@pytest.mark.parametrize("name", ["LIMIT_FILE", "LIMITS_FIEL", "LIMITSFILE"])
def test_a_misspelled_setting_is_like_the_one_that_is_not_set(name: str) -> None:
    (found,) = unknown(**{f"SAFECONDUCT_{name}": "x"})

    assert found.like == "SAFECONDUCT_LIMITS_FILE"
    assert found.text == f"SAFECONDUCT_{name} is no setting; did you mean SAFECONDUCT_LIMITS_FILE?"


def test_a_variable_beside_the_setting_that_it_is_like_is_only_ignored() -> None:
    (found,) = unknown(SAFECONDUCT_LIMIT_FILE="x", SAFECONDUCT_LIMITS_FILE="y")

    assert found.like is None
    assert found.text == "SAFECONDUCT_LIMIT_FILE is no setting of this service and is ignored"


def test_the_service_links_of_a_cluster_are_no_settings() -> None:
    assert (
        unknown(
            SAFECONDUCT_APPLICATIONS_SERVICE_HOST="10.0.0.1",
            SAFECONDUCT_APPLICATIONS_SERVICE_PORT_GRPC="7001",
            SAFECONDUCT_APPLICATIONS_PORT="tcp://10.0.0.1:7001",
            SAFECONDUCT_APPLICATIONS_PORT_7001_TCP_ADDR="10.0.0.1",
        )
        == ()
    )
