"""The size of a Kafka record: one constant from the intake of an event to topics and consumers.

A record that a topic refuses would wait in the outbox for a person. So an event is checked before
it is stored, and topics, producers and consumers all take the largest event with its headers.
"""

from __future__ import annotations

from typing import Final

MAX_RECORD_BYTES: Final = 2 << 20
"""Largest record of a topic, with key, headers and batch. It is each topic's max.message.bytes.

Twice the largest request: a request of 1 MiB always fits, also as the event of a service that adds
its findings to the parties of the request.
"""
ENVELOPE_BYTES: Final = 4 << 10
"""Room for what is not the payload: key, CloudEvents headers, and the batch around one record."""
MAX_PAYLOAD_BYTES: Final = MAX_RECORD_BYTES - ENVELOPE_BYTES
"""Largest payload of an event. The journal refuses to store a larger one."""
MAX_DEAD_LETTER_BYTES: Final = MAX_RECORD_BYTES + ENVELOPE_BYTES
"""Largest dead letter: the largest record with the headers that tell why it was not handled."""
