"""The rights on topics follow from the file that declares them."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaError

from chassis.streams.topic_access import (
    GROUP,
    READ,
    TOPIC,
    WRITE,
    Rule,
    grant,
    operator_rules,
    service_rules,
)
from chassis.streams.topics import read_topics
from infra.local.kafka import Kafka
from infra.local.stack import TOPICS

SERVICES = ("applications", "screening", "enforcement")
DECLARED = read_topics(TOPICS)
RULES = frozenset(service_rules(DECLARED))
OPERATOR = frozenset(operator_rules(DECLARED))


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_owner_may_write_a_topic_of_events(service: str) -> None:
    name = f"safeconduct.{service}.v1"

    writers = {each.user for each in RULES if each[1:] == (TOPIC, name, WRITE)}

    assert writers == {f"User:service-{service}"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_the_events_of_the_others_in_its_own_group_only(service: str) -> None:
    own = {each for each in RULES if each.user == f"User:service-{service}"}

    read = {each.name for each in own if each.resource == TOPIC and each.operation == READ}
    groups = {each for each in own if each.resource == GROUP}

    others = {f"safeconduct.{each}.v1" for each in SERVICES if each != service}
    assert read - {"safeconduct.standing.v1"} == others
    assert groups == {Rule(f"User:service-{service}", GROUP, f"safeconduct.{service}", READ)}


def test_only_enforcement_reads_and_writes_standings() -> None:
    users = {each.user for each in RULES if each.name == "safeconduct.standing.v1"}

    assert users == {"User:service-enforcement"}


def test_dead_letters_are_written_by_those_that_read_the_topic() -> None:
    for topic in DECLARED:
        if topic.name.endswith(".dlq"):
            source = topic.name.removesuffix(".dlq")
            readers = {each.user for each in RULES if each[1:] == (TOPIC, source, READ)}
            assert {each.user for each in RULES if each.name == topic.name} == readers


def test_operators_read_everything_and_write_only_what_can_be_redriven() -> None:
    read = {each.name for each in OPERATOR if each.operation == READ}
    written = {each.name for each in OPERATOR if each.operation == WRITE}

    assert read == {each.name for each in DECLARED}
    assert written == read - {"safeconduct.standing.v1"}


async def test_a_cluster_without_access_rules_refuses_them(kafka: Kafka) -> None:
    with pytest.raises((ValueError, KafkaError)):
        await grant(kafka.bootstrap, RULES)
