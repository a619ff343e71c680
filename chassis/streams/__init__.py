"""Kafka: outbox relay, consumer group, dead letters, compacted topics, creation of topics."""
