"""Kafka: the outbox relay, the group consumer, dead letters, compacted topics and topic creation."""
