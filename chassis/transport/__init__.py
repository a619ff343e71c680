"""TLS and identities of the connections to Kafka and PostgreSQL."""
