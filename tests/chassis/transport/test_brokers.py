"""Every Kafka client of the product gets its options from `client_options`, and they are right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.streams.faust_app import new_app
from chassis.transport.brokers import Brokers, Password, client_options
from infra.cache import CHECKOUT
from tests.chassis.transport.test_renewed_tls import client_files

ROOMS = ("chassis", "services", "operations")


def clients_without_options(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("AIOKafka"):
            unpacked = [each.value for each in node.keywords if each.arg is None]
            if not any(ast.unparse(each).startswith("client_options(") for each in unpacked):
                yield node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_no_kafka_client_connects_in_its_own_way(room: str) -> None:
    found = [
        f"{file.relative_to(CHECKOUT)}:{line}"
        for file in (CHECKOUT / room).rglob("*.py")
        for line in clients_without_options(file.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_a_client_of_its_own_way_would_be_found() -> None:
    assert list(clients_without_options("AIOKafkaProducer(bootstrap_servers='x')")) == [1]


def test_without_tls_there_are_only_addresses() -> None:
    assert client_options("127.0.0.1:9092") == {"bootstrap_servers": "127.0.0.1:9092"}


def test_a_client_certificate_means_mutual_tls(tmp_path: Path) -> None:
    brokers = Brokers("127.0.0.1:9092", client_files(tmp_path))

    assert client_options(brokers) == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "SSL",
        "ssl_context": brokers.context,
    }


def test_each_new_client_of_a_user_reads_the_password_again(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("swordfish\n")
    brokers = Brokers("127.0.0.1:9092", client_files(tmp_path), Password("samples", file))
    assert client_options(brokers)["sasl_plain_password"] == "swordfish"
    file.write_text("marlin\n")

    options = client_options(brokers)

    assert (options["security_protocol"], options["sasl_mechanism"]) == (
        "SASL_SSL",
        "SCRAM-SHA-512",
    )
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("samples", "marlin")


def test_faust_gets_the_same_certificate_and_the_same_user(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("swordfish")
    files = client_files(tmp_path)
    mutual = Brokers("127.0.0.1:9092", files)
    user = Brokers("127.0.0.1:9092", files, Password("samples", file))

    assert new_app("group", "127.0.0.1:9092").conf.broker_credentials is None
    assert new_app("group", mutual).conf.broker_credentials.context is mutual.context
    credentials = new_app("group", user).conf.broker_credentials
    assert (credentials.protocol.value, credentials.mechanism.value, credentials.username) == (
        "SASL_SSL",
        "SCRAM-SHA-512",
        "samples",
    )
