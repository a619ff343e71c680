"""The local stack: PostgreSQL, Kafka, the services and their traces as processes on the loopback."""
