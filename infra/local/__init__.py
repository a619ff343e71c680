"""The local stack: PostgreSQL, Kafka, the services and their traces on the loopback."""
